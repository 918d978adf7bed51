package bash

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// started lays arguments and an environment out as the kernel does.
func started(args, env []string) (argv, environ words, all []*byte) {
	for _, list := range [][]string{args, env} {
		for _, s := range list {
			all = append(all, unsafe.StringData(strings.Clone(s)+"\x00"))
		}
		all = append(all, nil)
	}
	argv.at = unsafe.Pointer(&all[0])
	environ.at = unsafe.Pointer(&all[len(args)+1])
	return argv, environ, all
}

func (w words) all() (out []string) {
	for i := 0; w.has(i); i++ {
		out = append(out, strings.Clone(w.text(i)))
	}
	return out
}

// TestAsBash has the arguments by which bash takes guardsh's place.
func TestAsBash(t *testing.T) {
	for _, tc := range []struct{ args, want []string }{
		{[]string{"-guardsh"}, []string{"-bash"}},
		{[]string{"guardsh", "-l", "-i"}, []string{"bash", "-l", "-i"}},
		{[]string{"rbash", "-c", "a%25", "x"}, []string{"rbash", "-c", "a%25", "x"}},
		{[]string{"guardsh", "--percent", "-c", "echo %24a%0Ab%25%2", "x%25"}, []string{"bash", "-c", "echo $a\nb%%2", "x%25"}},
		{[]string{"guardsh", "--shell", "/bin/sh", "--front", "F", "-c", "id"}, []string{"bash", "-c", "id"}},
		{[]string{"guardsh", "--name", "-su", "--home"}, []string{"-bash"}},
		{[]string{"guardsh", "--rcfile", "--front", "-o", "--name", "--front", "F"}, []string{"bash", "--rcfile", "--front", "-o", "--name"}},
		{[]string{"guardsh", "--", "--front"}, []string{"bash", "--", "--front"}},
		{[]string{"guardsh", "script", "--front"}, []string{"bash", "script", "--front"}},
		// An option without its argument: what stands behind is the environment.
		{[]string{"guardsh", "--rcfile"}, []string{"bash", "--rcfile"}},
		{[]string{"guardsh", "-eo"}, []string{"bash", "-eo"}},
		{[]string{"guardsh", "-oo", "posix"}, []string{"bash", "-oo", "posix"}},
	} {
		left := []string{"--front", "A=1"}
		argv, env, kept := started(tc.args, left)
		argv.asBash(env)
		if got := argv.all(); !slices.Equal(got, tc.want) {
			t.Errorf("%q: %q, want %q", tc.args, got, tc.want)
		}
		if got := env.all(); !slices.Equal(got, left) {
			t.Errorf("%q: the environment is %q", tc.args, got)
		}
		runtime.KeepAlive(kept)
	}
}
