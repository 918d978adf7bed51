package host

import (
	"path"
	"strings"

	"guardsh/rules"
)

// caches are directories that programs fill and fill again, whatever lies
// beside them: nobody calls anything else so.
var caches = map[string]bool{"__pycache__": true, ".cache": true, ".tox": true, ".pytest_cache": true, ".mypy_cache": true, ".ruff_cache": true}

// makers are the files by which a directory of that name is known to be what a
// build left: without one beside it, "target" may be anybody's data.
var makers = map[string][]string{
	"target":       {"Cargo.toml", "pom.xml", "build.sbt", "project.clj"},
	"node_modules": {"package.json"},
	"build":        builders,
	"_build":       builders,
	"dist":         builders,
}

var builders = []string{"Makefile", "makefile", "GNUmakefile", "CMakeLists.txt", "configure", "configure.ac", "meson.build", "SConstruct",
	"package.json", "pyproject.toml", "setup.py", "setup.cfg", "build.gradle", "build.gradle.kts", "pom.xml", "Cargo.toml", "go.mod",
	"dune-project", "mix.exs", "rebar.config", "conf.py"}

// output is the class of an ordinary directory that may be build output.
func (w *World) output(t *mountTable, real string) rules.Class {
	dir, base := path.Split(real)
	if caches[base] {
		return rules.Scratch
	}
	files := makers[base]
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
