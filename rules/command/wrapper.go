package command

// wrappers are the programs whose own work is to start another.
var wrappers map[string]func(*walker, *state, launch, string) result
