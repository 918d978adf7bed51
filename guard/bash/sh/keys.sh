# Read by the live shell at its first prompt with us: the keys that bash gives a
# line to an editor by, and one of our own.
\builtin bind -m emacs -x '"\C-x\C-e": \builtin . "$GUARDSH_DIR/edit"'
\builtin bind -m vi-command -x '"v": \builtin . "$GUARDSH_DIR/edit"'
for GUARDSH_I in emacs vi-insert vi-command; do
	\builtin bind -m "$GUARDSH_I" -x '"\C-x\C-_g": \builtin . "$GUARDSH_DIR/alone"'
done
# A profile sets PATH anew, as Debian's does: our sudo and su come first again.
[[ ! -d $GUARDSH_DIR/bin || :$PATH: == *":$GUARDSH_DIR/bin:"* ]] || \builtin printf -v PATH %s "$GUARDSH_DIR/bin:$PATH"
# A refusal reaches this one in the midst of an expansion, and INT ends it.
[[ BASH_VERSINFO[0] -lt 5 ]] && \builtin printf '\r\nguardsh: bash %s is older than 5.0: a refused line does not run, but may end this shell\r\n' "$BASH_VERSION" >/dev/tty
