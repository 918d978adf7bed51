package rules

import (
	"path"
	"strings"
)

// stranger stands for a name that a pattern matches and the table does not
// know.
const stranger = "\x01"

// maxMatches bounds the protected paths that one pattern is tried against; the
// table has fewer.
const maxMatches = 512

// Pattern is what an absolute file name pattern could reach: the highest class
// of anything that it could match, and the protected paths among them.
func (t *Protection) Pattern(pattern string) (Class, []string) {
	class := Scratch
	var named []string
	for _, m := range t.matches(pattern) {
		c := t.Class(strings.ReplaceAll(m, stranger, "name"))
		class = Higher(class, c)
		if !strings.Contains(m, stranger) && rank(c) >= rank(Site) && len(named) < maxNamed {
			named = append(named, m)
		}
	}
	return class, named
}

// matches is the paths of the table that a pattern could match, and one
// stranger for each way of matching none of them.
func (t *Protection) matches(pattern string) []string {
	at := []string{"/"}
	parts := strings.Split(strings.Trim(pattern, "/"), "/")
	for _, part := range parts {
		var next []string
		for _, dir := range at {
			if len(next) > maxMatches {
				break
			}
			next = append(next, t.step(dir, part)...)
		}
		at = next
	}
	return at
}

// step is where one component of a pattern leads from a directory.
func (t *Protection) step(dir, part string) []string {
	switch {
	case part == "" || part == ".":
		return []string{dir}
	case part == "..":
		return []string{path.Dir(dir)}
	case part == "**":
		out := []string{dir, path.Join(dir, stranger)}
		for _, c := range builtinRows().children[merged(dir)] {
			if c != "*" {
				out = append(out, t.step(path.Join(dir, c), part)...)
			}
		}
		return out
	case !strings.ContainsAny(part, `*?[\`) && !strings.Contains(part, "("):
		return []string{path.Join(dir, part)}
	}
	var out []string
	if !strings.HasPrefix(part, ".") {
		out = append(out, path.Join(dir, stranger))
	} else {
		out = append(out, path.Join(dir, "."+stranger))
	}
	for _, c := range vitalIn(merged(dir + "/x")) {
		if MatchName(part, c) {
			out = append(out, path.Join(dir, c))
			break
		}
	}
	for _, c := range builtinRows().children[merged(dir)] {
		if c != "*" && MatchName(part, c) {
			out = append(out, path.Join(dir, c))
		}
	}
	return out
}

// fitsAll reports a pattern that every name in a directory fits, or all but a
// few: "*", "*.*", "!(keep)".
func fitsAll(name string) bool {
	switch name {
	case "*", "**", "*.*", "?*", "*?", "[!.]*", "[^.]*":
		return true
	}
	return strings.HasPrefix(name, "!(") && strings.HasSuffix(name, ")")
}

// MatchName reports whether a file name pattern of the shell could match a
// name. Extended patterns match everything: what cannot be read is not safe.
func MatchName(pattern, name string) bool {
	if strings.Contains(pattern, "(") {
		return true
	}
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(pattern, ".") {
		return false
	}
	ok, err := path.Match(strings.ReplaceAll(pattern, "[!", "[^"), name)
	return ok || err != nil
}
