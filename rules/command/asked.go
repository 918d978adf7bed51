package command

// asked is a machine that is asked for the same thing once in a line: one that
// is long names the same programs again and again, and what it would find is
// the machine as it is before the line.
type asked struct {
	Files
	looked   map[string]where
	reals    map[string]where
	programs map[string][]string
	read     map[string]content
}

// where is a path that was answered with.
type where struct {
	path string
	err  error
}

// content is what was read of a file, and how much was asked for.
type content struct {
	max  int64
	data []byte
	err  error
}

// maxRemembered is how much of a file is worth remembering.
const maxRemembered = 64 << 10

func (a *asked) LookPath(name, path string) (string, error) {
	key := name + "\x00" + path
	f, ok := a.looked[key]
	if !ok {
		f.path, f.err = a.Files.LookPath(name, path)
		remember(&a.looked, key, f)
	}
	return f.path, f.err
}

func (a *asked) Real(path string) (string, error) {
	f, ok := a.reals[path]
	if !ok {
		f.path, f.err = a.Files.Real(path)
		remember(&a.reals, path, f)
	}
	return f.path, f.err
}

func (a *asked) Program(path string) []string {
	names, ok := a.programs[path]
	if !ok {
		names = a.Files.Program(path)
		remember(&a.programs, path, names)
	}
	return names
}

func (a *asked) ReadFile(path string, max int64) ([]byte, error) {
	c, ok := a.read[path]
	if !ok || c.max != max {
		c = content{max: max}
		c.data, c.err = a.Files.ReadFile(path, max)
		if len(c.data) <= maxRemembered {
			remember(&a.read, path, c)
		}
	}
	return c.data, c.err
}

// remember notes an answer in a map that is made for the first one.
func remember[T any](m *map[string]T, key string, answer T) {
	if *m == nil {
		*m = map[string]T{}
	}
	(*m)[key] = answer
}
