# Read by bash before 5.2, in the live shell and in the gate: the number and the
# text of the last line in the history. There HISTCMD stands still in prompts,
# traps and forks (before 5.1), and fc does not find the line in all of them.
# Only a readonly HISTTIMEFORMAT leaves fc to be asked. set -e may be on.
GUARDSH_X=${HISTTIMEFORMAT-}
[[ -n $GUARDSH_X ]] && \builtin printf -v HISTTIMEFORMAT ''
\builtin history 1 >|"$GUARDSH_DIR/$$.h"
[[ -n $GUARDSH_X && -z $HISTTIMEFORMAT ]] && HISTTIMEFORMAT=$GUARDSH_X GUARDSH_X=
IFS= \builtin read -r -d '' GUARDSH_C <"$GUARDSH_DIR/$$.h" || \builtin :
GUARDSH_C=${GUARDSH_C#"${GUARDSH_C%%[0-9]*}"}
if [[ -n $GUARDSH_X ]]; then
	\builtin fc -ln -0 >|"$GUARDSH_DIR/$$.h"
	IFS= \builtin read -r -d '' GUARDSH_X <"$GUARDSH_DIR/$$.h" || \builtin :
	GUARDSH_X=${GUARDSH_X#?}
	[[ -o posix ]] || GUARDSH_X=${GUARDSH_X#?}
else
	GUARDSH_X=${GUARDSH_C#"${GUARDSH_C%%[!0-9]*}"}
	GUARDSH_X=${GUARDSH_X:2}
fi
GUARDSH_X=${GUARDSH_X%$'\n'}
GUARDSH_C=${GUARDSH_C%%[!0-9]*}
[[ -n $GUARDSH_X ]] || GUARDSH_C=0 # a line that is not known was not seen
\builtin : >|"$GUARDSH_DIR/$$.h"
