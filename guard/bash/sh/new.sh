# Read by the live shell before its first prompt with us. Left over from the
# environment of a shell that exec replaced, or set -a:
\builtin unset -v GUARDSH_T GUARDSH_GONE GUARDSH_ARMED GUARDSH_INT GUARDSH_OFF GUARDSH_AGAIN GUARDSH_PS0 GUARDSH_USER GUARDSH_ONCE GUARDSH_SWAP GUARDSH_NEST GUARDSH_RUN GUARDSH_UL GUARDSH_AL
GUARDSH_ARMED=$$ GUARDSH_NEW=1 GUARDSH_OLD=
[[ BASH_VERSINFO[0] -lt 5 || BASH_VERSINFO[0] -eq 5 && BASH_VERSINFO[1] -lt 2 ]] && GUARDSH_OLD=1
# DEBUG traps are neither seen nor set from a sourced file, so this is
# evaluated in the outermost scope: the user's own is kept, and put back
# when a line is released.
# A group's redirection ends with it, as an exec's would not: bash takes
# back what closes a descriptor where exec is written \builtin exec.
GUARDSH_ARM='\builtin trap "{ \\builtin eval \"\$GUARDSH_D\"; } 2>/dev/null" DEBUG; \builtin . "$GUARDSH_DIR/last"'
GUARDSH_LD='[[ -z ${GUARDSH_SWAP-} ]] || \builtin . "$GUARDSH_DIR/mine"; { GUARDSH_FD=9; \builtin trap -p DEBUG >&"$GUARDSH_FD"; '$GUARDSH_ARM'; } 9<>"$GUARDSH_DIR/$$.t" || [[ $GUARDSH_FD == 9 ]] || { '$GUARDSH_ARM'; }; GUARDSH_IN='
GUARDSH_D='if [[ ${GUARDSH_IN:-0} -eq 0 && $BASH_SUBSHELL == 0 && ${#FUNCNAME[@]} == 0 && $BASH_COMMAND != "GUARDSH_ST=\$? GUARDSH_LA=\$_ GUARDSH_WAS=\${GUARDSH_IN-} GUARDSH_IN=1" && $BASH_COMMAND != *\ \"\$GUARDSH_DIR/edit\" && $BASH_COMMAND != *\ \"\$GUARDSH_DIR/alone\" ]]; then \builtin . "$GUARDSH_DIR/debug" || \builtin :; [[ -z $GUARDSH_PASS ]] || \builtin eval "$GUARDSH_OUT"; fi; \builtin :'
