//go:build tools

// Package tools keeps Kratos required, so that `go mod tidy` does not drop it.
package tools

import _ "github.com/ory/kratos"
