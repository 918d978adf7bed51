package effect

import (
	"strings"

	"guardsh/rules/word"
)

// isNamespace reports whether kubernetes calls so what holds others.
func isNamespace(kind string) bool {
	switch kind {
	case "ns", "namespace", "namespaces", "project", "projects":
		return true
	}
	return false
}

// holdsData reports whether kubernetes calls so what holds data.
func holdsData(kind string) bool {
	switch kind {
	case "pvc", "persistentvolumeclaim", "persistentvolumeclaims", "pv", "persistentvolume", "persistentvolumes", "sts", "statefulset", "statefulsets", "crd", "crds",
		"customresourcedefinition", "customresourcedefinitions":
		return true
	}
	return false
}

// kubectlTarget is the objects of kubectl: "TYPE NAME…", "TYPE/NAME…", files.
func kubectlTarget(c *call) {
	if c.has("_dry") {
		if how := c.text("how"); len(how) == 0 || how[0] != "none" {
			c.args.Attrs["dry"] = true
			return
		}
	}
	if f := c.values("file"); len(f) > 0 {
		c.args.Values["target"] = f
		return
	}
	typ := c.values("type")
	if len(typ) == 0 {
		return
	}
	kinds, _ := typ[0].Value()
	for _, k := range strings.FieldsFunc(kinds, func(r rune) bool { return r == ',' || r == '/' }) {
		if isNamespace(k) {
			c.set("namespace")
		}
		if holdsData(k) {
			c.set("data")
		}
		if k == "all" && !strings.Contains(kinds, "/") {
			c.set("all")
		}
	}
	names := c.values("name")
	var out []word.Word
	if strings.Contains(kinds, "/") || len(names) == 0 {
		out = append(out, typ[0])
	}
	for _, n := range names {
		if v, ok := n.Value(); ok && !strings.Contains(kinds, "/") {
			out = append(out, word.Lit(kinds+"/"+v))
		} else {
			out = append(out, n)
		}
	}
	c.args.Values["target"] = out
}
