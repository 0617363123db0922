"""A real Ory Kratos, built once from the Go module proxy as `go.mod` and `go.sum` pin it.

`go install github.com/ory/kratos@v1.3.1` refuses, since Kratos' own go.mod has `replace` lines. So
`go.mod` here is a module of our own that requires Kratos and repeats the three that matter (pop,
sessions, sqlite3); `tools.go` keeps the requirement.
"""
