//go:build race

package hypothetical

// every: with the race detector a line takes ten times as long.
const every = 8
