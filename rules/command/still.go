package command

import (
	"strings"

	"guardsh/rules/word"
)

// StaticShell is the shell behind -c and scripts: what it knows is what the
// environment, the arguments and the working directory said at the start.
type StaticShell struct {
	// Environ is the environment as name=value. Nil means that it is not
	// known: then a variable that the line does not set is unknown, not unset.
	Environ []string
	// Later gives the environment in place of Environ when a variable is asked
	// for, as often as one is.
	Later   func() []string
	Dir     string   // the working directory; "" unknown
	Login   string   // the user's name; "" unknown
	Args    []string // positional parameters
	Aliases map[string]string
	Funcs   map[string]string
	Options map[string]bool // set -o and shopt names that differ from bash's defaults
	Unset   []string        // names known to be unset where Environ is nil
}

// Cwd is the working directory that the shell was started in.
func (s *StaticShell) Cwd() word.Word {
	if s.Dir == "" {
		return word.Hidden("$PWD", word.Var)
	}
	return word.Word{Src: s.Dir, Know: word.Known, Values: []string{s.Dir}, Origin: word.FromShell}
}

func (s *StaticShell) environ() []string {
	if s.Later != nil {
		return s.Later()
	}
	return s.Environ
}

// Var looks a variable up in the environment.
func (s *StaticShell) Var(name string) Variable {
	environ := s.environ()
	for i := len(environ) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(environ[i], "="); ok && k == name {
			return Variable{State: VarSet, Value: v, Exported: true}
		}
	}
	if environ != nil {
		return Variable{State: VarUnset}
	}
	for _, n := range s.Unset {
		if n == name {
			return Variable{State: VarUnset}
		}
	}
	return Variable{State: VarUnknown}
}

// Alias looks an alias up.
func (s *StaticShell) Alias(name string) (string, bool) { b, ok := s.Aliases[name]; return b, ok }

// Function looks a function's body up.
func (s *StaticShell) Function(name string) (string, bool) { b, ok := s.Funcs[name]; return b, ok }

// Option reports an option; what was not said has bash's default for scripts.
func (s *StaticShell) Option(name string) (on, known bool) {
	if v, ok := s.Options[name]; ok {
		return v, true
	}
	if name == "patsub_replacement" {
		return false, false // on by default from bash 5.2, and not there before
	}
	return DefaultOn(name), true
}

// DefaultOn reports whether every bash starts with an option.
func DefaultOn(option string) bool {
	switch option {
	case "braceexpand", "hashall", "sourcepath", "cmdhist", "extquote", "globasciiranges":
		return true
	}
	return false
}

// User is the login name.
func (s *StaticShell) User() string { return s.Login }

// Positional is the arguments.
func (s *StaticShell) Positional() []word.Word { return word.Lits(s.Args...) }

// NoFiles knows no file system.
type NoFiles struct{}

// ReadFile says that the file is not known.
func (NoFiles) ReadFile(string, int64) ([]byte, error) { return nil, ErrUnknown }

// Glob says that the names are not known.
func (NoFiles) Glob(string, string, GlobOptions) ([]string, error) { return nil, ErrUnknown }

// Home says that the directory is not known.
func (NoFiles) Home(string) (string, error) { return "", ErrUnknown }

// Program says that nothing is known about it.
func (NoFiles) Program(string) []string { return nil }

// LookPath says that the program is not known.
func (NoFiles) LookPath(string, string) (string, error) { return "", ErrUnknown }

// Real is not known.
func (NoFiles) Real(string) (string, error) { return "", ErrUnknown }
