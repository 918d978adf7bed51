//go:build !race

package hypothetical

// every is how many acts a carrier passes over for one that it takes.
const every = 1
