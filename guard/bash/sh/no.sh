# Read by the live shell when its line is refused, before anything of it runs.
\builtin . "$GUARDSH_DIR/go"
\builtin . "$GUARDSH_DIR/again"
