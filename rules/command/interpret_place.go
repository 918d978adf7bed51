package command

import "guardsh/rules/word"

// chdir is where what follows runs.
func (e *evaluator) chdir(dir word.Word) {
	if dir.Know == 0 {
		return
	}
	was := e.st.cwd
	e.st = e.st.clone() // the program's own directory, not the shell's
	e.st.cwd = e.w.arrive(was, dir)
	if e.inner() {
		e.st.cwd = e.w.either(e.st.cwd, was)
	}
}

// chroot is below which root directory what follows runs; one that is not known
// is another than this machine's.
func (e *evaluator) chroot(dir word.Word) {
	if dir.Know == 0 {
		dir = word.Hidden("…", word.Var)
	}
	was := e.st.cwd
	c := *e.st.ctx
	e.st = e.st.clone() // the program's own, as its directory is
	chroot(e.st, &c, dir)
	e.st.cwd = was // until it goes to another
	e.st.ctx = &c
}
