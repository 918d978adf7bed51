# Read by the live shell before the user's PROMPT_COMMAND runs: what their DEBUG
# trap is meanwhile. Behind an empty line ours still stands.
\builtin printf '\0' >&9
IFS= \builtin read -r -d '' -u 9 GUARDSH_X
[[ $GUARDSH_X == *GUARDSH_D* ]] || GUARDSH_UT=$GUARDSH_X
GUARDSH_X='\builtin trap - DEBUG'
if [[ -n $GUARDSH_UT ]]; then
	\builtin eval "GUARDSH_W=($GUARDSH_UT)"
	# Theirs stands in it as it is, since a case changes neither $? nor $_.
	GUARDSH_W='case $BASH_COMMAND in *GUARDSH_*) ;; *) '${GUARDSH_W[2]}$'\n'';; esac'
	GUARDSH_X="\\builtin trap -- ${GUARDSH_W@Q} DEBUG"
fi
