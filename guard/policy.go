package guard

import (
	"io/fs"
	"path"
	"testing/fstest"

	"guardsh/rules"
)

// policy is the part of the configuration that the rules take.
func (c *Config) policy() rules.Policy {
	p := rules.Policy{
		Protected:   c.Protected,
		Unprotected: c.Unprotected,
		Scratch:     c.Scratch,
		Labels:      c.Labels,
	}
	for _, n := range c.Notes {
		p.Notes = append(p.Notes, rules.Note{Object: string(n.About) + ":" + n.Name, Text: n.Text})
	}
	return p
}

// sourceFS is files that were read already, for the loaders.
func sourceFS(files []SiteFile) fs.FS {
	m := fstest.MapFS{}
	for _, f := range files {
		m[path.Base(f.Name)] = &fstest.MapFile{Data: f.Data}
	}
	return m
}
