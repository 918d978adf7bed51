package guard

import (
	"io/fs"
	"path"
	"strings"
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
		Names:       c.Names,
	}
	for _, n := range c.Notes {
		p.Notes = append(p.Notes, rules.Note{Object: string(n.About) + ":" + n.Name, Text: n.Text})
	}
	return p
}

// sourceFS is files that were read already, for the loaders, under their full
// names without the first slash: it stands in front again in positions.
func sourceFS(files []SiteFile) fs.FS {
	m := fstest.MapFS{}
	for _, f := range files {
		m[strings.TrimPrefix(path.Clean(f.Name), "/")] = &fstest.MapFile{Data: f.Data}
	}
	return m
}
