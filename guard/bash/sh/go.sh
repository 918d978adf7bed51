# Read by the live shell when its line has been released, before anything of
# the line runs: everything is the user's own again.
GUARDSH_F=$-
\builtin set +aeux
\builtin trap - RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14
GUARDSH_T=
# ^C ended theirs before the prompt.
[[ -z ${GUARDSH_SWAP-} ]] || \builtin . "$GUARDSH_DIR/mine"
[[ -n $GUARDSH_HC ]] && HISTCONTROL=$GUARDSH_HC
[[ -n $GUARDSH_HI ]] && HISTIGNORE=$GUARDSH_HI
# Only what bash has recorded may be taken out of the history again. A command
# of several lines was recorded as it was typed; as cmdhist puts it together it
# is in a file.
GUARDSH_I=
[[ -s $GUARDSH_DIR/$$.j ]] && { IFS= \builtin read -r -d '' GUARDSH_I <"$GUARDSH_DIR/$$.j"; \builtin : >|"$GUARDSH_DIR/$$.j"; }
[[ $GUARDSH_O == *l* && $GUARDSH_O != *c* ]] || GUARDSH_I=
if [[ -z $GUARDSH_U && -n $GUARDSH_HC$GUARDSH_HI${GUARDSH_OFF-}$GUARDSH_I ]]; then
	if [[ -n $GUARDSH_OLD ]]; then
		\builtin . "$GUARDSH_DIR/old"
		\builtin history -d "$GUARDSH_C"
	else
		\builtin fc -ln -0 >|"$GUARDSH_DIR/$$.h"
		IFS= \builtin read -r -d '' GUARDSH_X <"$GUARDSH_DIR/$$.h"
		\builtin : >|"$GUARDSH_DIR/$$.h"
		GUARDSH_X=${GUARDSH_X#?}
		[[ -o posix ]] || GUARDSH_X=${GUARDSH_X#?}
		GUARDSH_X=${GUARDSH_X%$'\n'}
		\builtin history -d -1
	fi
	[[ -n $GUARDSH_I ]] && GUARDSH_X=$GUARDSH_I
	if [[ -n ${GUARDSH_OFF-} ]]; then
		[[ $GUARDSH_X == *set*-o*history* ]] && GUARDSH_OFF=
	else
		# history -s applies HISTCONTROL and HISTIGNORE as reading a line does.
		\builtin history -s -- "$GUARDSH_X"
	fi
	GUARDSH_X=
fi
GUARDSH_I=
# For a prompt that does not come to our hook.
[[ -n $GUARDSH_OLD ]] || GUARDSH_H=$HISTCMD
[[ $GUARDSH_HS == 0 ]] && HISTSIZE=0
case $GUARDSH_O in *c*) \builtin shopt -u cmdhist ;; esac
case $GUARDSH_O in *l*) \builtin shopt -u lithist ;; esac
case $GUARDSH_O in *p*) \builtin shopt -u promptvars ;; esac
GUARDSH_F=${GUARDSH_F//[!aeux]/}
[[ -n $GUARDSH_F ]] && \builtin set -"$GUARDSH_F"
