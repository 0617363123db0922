"""Stage 1: shares in columns → additive worker minutes, committed with their offsets."""
