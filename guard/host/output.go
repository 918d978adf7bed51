package host

import (
	"path"
	"strings"

	"guardsh/rules"
)

// cacheName reports a directory that programs fill and fill again, whatever lies
// beside it: nobody calls anything else so.
func cacheName(base string) bool {
	switch base {
	case "__pycache__", ".cache", ".tox", ".pytest_cache", ".mypy_cache", ".ruff_cache":
		return true
	}
	return false
}

// makers are the files by which a directory of that name is known to be what a
// build left: without one beside it, "target" may be anybody's data.
func makers(base string) []string {
	switch base {
	case "target":
		return []string{"Cargo.toml", "pom.xml", "build.sbt", "project.clj"}
	case "node_modules":
		return []string{"package.json"}
	case "build", "_build", "dist":
		return builders
	}
	return nil
}

var builders = []string{"Makefile", "makefile", "GNUmakefile", "CMakeLists.txt", "configure", "configure.ac", "meson.build", "SConstruct",
	"package.json", "pyproject.toml", "setup.py", "setup.cfg", "build.gradle", "build.gradle.kts", "pom.xml", "Cargo.toml", "go.mod",
	"dune-project", "mix.exs", "rebar.config", "conf.py"}

// output is the class of an ordinary directory that may be build output.
func (w *World) output(t *mountTable, real string) rules.Class {
	dir, base := path.Split(real)
	if cacheName(base) {
		return rules.Scratch
	}
	files := makers(base)
	if strings.HasPrefix(base, "cmake-build-") {
		files = []string{"CMakeLists.txt"}
	}
	for _, f := range files {
		// What cannot be looked at proves nothing.
		if s, err := w.walker(t, "", true).find(dir+f, false); err == nil && s.Exists {
			return rules.Scratch
		}
	}
	return rules.Ordinary
}
