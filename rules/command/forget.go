package command

import (
	"strconv"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// forget makes every variable unknown that some commands may assign.
func (w *walker) forget(st *state, f func(*forgetter)) {
	st.last = word.Word{}
	fg := &forgetter{w: w, st: st}
	f(fg)
}

type forgetter struct {
	w  *walker
	st *state
}

func (f *forgetter) stmts(ss []*syntax.Stmt) {
	for _, s := range ss {
		f.node(s)
	}
}

func (f *forgetter) node(n syntax.Node) {
	if n == nil {
		return
	}
	syntax.Walk(n, func(n syntax.Node) bool {
		switch x := n.(type) {
		case *syntax.Subshell, *syntax.CmdSubst, *syntax.ProcSubst, *syntax.FuncDecl:
			return false
		case *syntax.Assign:
			if x.Name != nil {
				f.name(x.Name.Value)
			}
		case *syntax.WordIter:
			f.name(x.Name.Value)
		case *syntax.ParamExp:
			if x.Exp != nil && x.Param != nil && (x.Exp.Op == syntax.AssignUnset || x.Exp.Op == syntax.AssignUnsetOrNull) {
				f.name(x.Param.Value)
			}
		case *syntax.BinaryArithm:
			if lit, ok := x.X.(*syntax.Word); ok && assigns(x.Op) {
				f.name(lit.Lit())
			}
		case *syntax.UnaryArithm:
			if lit, ok := x.X.(*syntax.Word); ok && (x.Op == syntax.Inc || x.Op == syntax.Dec) {
				f.name(lit.Lit())
			}
		case *syntax.CallExpr:
			f.call(x)
		}
		return true
	})
}

// call forgets what read, cd, shift and the like may change.
func (f *forgetter) call(x *syntax.CallExpr) {
	if len(x.Args) == 0 {
		return
	}
	switch x.Args[0].Lit() {
	case "read", "mapfile", "readarray", "getopts", "unset", "printf", "wait":
		if x.Args[0].Lit() == "getopts" {
			f.name("OPTARG")
			f.name("OPTIND")
			f.st.getopt.lost = true
		}
		if len(x.Args) == 1 {
			f.name("REPLY")
			f.name("MAPFILE")
		}
		for _, a := range x.Args[1:] {
			f.name(a.Lit())
		}
	case "cd", "pushd", "popd":
		// A directory that each turn moves from is known for none; one that
		// each turn moves to by its full name is.
		if len(x.Args) == 2 && len(x.Args[1].Lit()) > 0 && x.Args[1].Lit()[0] == '/' {
			return
		}
		f.st.cwd = word.Hidden("$PWD", word.Var)
		f.st.oldpwd = word.Hidden("$OLDPWD", word.Var)
	case "shift", "set":
		f.st.params, f.st.more = nil, true
	}
}

func (f *forgetter) name(n string) {
	if n == "" || n[0] >= '0' && n[0] <= '9' || n[0] == '-' {
		return
	}
	if _, err := strconv.Atoi(n); err == nil {
		return
	}
	v := f.w.lookup(f.st, n)
	f.st.set(n, variable{state: VarUnknown, exported: v.exported})
}
