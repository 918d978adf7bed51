# Read by the live shell at its prompt, by a key that guardsh presses when it
# sees that no process can be forked any more: the line that is typed there must
# not wait for a fork of the gate.
GUARDSH_PG=$GUARDSH_PA
