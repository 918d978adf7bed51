package effect

import (
	"slices"
	"strings"

	"guardsh/rules/command"
	"guardsh/rules/word"
)

// maxStatements bounds the text that is looked through for statements.
const maxStatements = 256 << 10

// statements is mysql, psql, redis-cli, mongo: what -e, -c, an operand, a
// here-document or a pipe says.
func statements(c *call) {
	var texts []word.Word
	texts = append(texts, c.values("statement")...)
	if len(c.args.Operands) > 0 && (c.name == "redis-cli" || c.name == "valkey-cli" || c.name == "keydb-cli") {
		if c.has("_cluster") {
			c.redisCluster(c.args.Operands)
			return
		}
		c.redis(c.args.Operands)
		return
	}
	switch ops := c.args.Operands; {
	case c.name == "sqlite3" && len(ops) > 1:
		texts = append(texts, ops[1:]...)
		for _, w := range ops[1:] {
			if f := strings.Fields(w.String()); len(f) > 1 && f[0] == ".restore" {
				c.database(w, "what it holds now", "delete", "data")
			}
		}
	case c.name == "cockroach" && len(ops) > 1 && ops[0].Is("node"):
		if ops[1].Is("decommission") || ops[1].Is("drain") {
			c.emit(c.effect(ClusterChange, "detach"), Object{Type: Cluster, Name: "a node of the cluster", Word: ops[1]})
		}
		return
	case c.name == "cypher-shell":
		texts = append(texts, ops...)
	case c.name == "db2" && len(ops) > 0:
		// db2 drop database x: the words are the statement.
		var all []string
		for _, w := range ops {
			all = append(all, w.String())
		}
		texts = append(texts, word.Lit(strings.Join(all, " ")))
	}
	if c.action.Given.Know != 0 || len(texts) == 0 {
		texts = append(texts, c.fed()...)
	}
	for _, w := range texts {
		values := w.Values
		if w.Know == word.Unknown {
			values = []string{withHoles(w)}
		}
		for _, v := range values {
			if len(v) > maxStatements {
				v = v[:maxStatements]
			}
			switch c.name {
			case "redis-cli", "valkey-cli", "keydb-cli":
				for _, line := range strings.Split(v, "\n") {
					c.redis(word.Lits(strings.Fields(line)...))
				}
			case "mongo", "mongosh", "arangosh":
				c.mongo(v, w)
			case "cypher-shell":
				c.cypher(v, w)
			case "mysqlsh":
				c.mongo(v, w) // JavaScript, unless it is told --sql
				fallthrough
			default:
				if strings.Contains(v, `\gexec`) { // psql runs what it selects
					v += ";" + madeBySelect(v)
				}
				for _, words := range c.kept(sqlStatements(v)) {
					c.sql(words, w)
				}
			}
		}
	}
}

// tableChange is pt-archiver, pt-online-schema-change and gh-ost: what they
// delete, or the ALTER TABLE that they stand for.
func tableChange(c *call) {
	table := "a table"
	for _, w := range append(c.values("source"), c.args.Operands...) {
		dsn := map[string]string{} // h=db1,D=shop,t=orders
		for _, part := range strings.Split(w.String(), ",") {
			if k, v, ok := strings.Cut(part, "="); ok {
				dsn[k] = v
			}
		}
		if dsn["t"] != "" {
			table = strings.TrimPrefix(dsn["D"]+"."+dsn["t"], ".")
		}
	}
	switch {
	case c.name == "pt-archiver":
		for _, w := range c.values("where") {
			for _, f := range sqlStatements("WHERE " + withHoles(w)) {
				if c.has("_purge") && !limited(upper(f), "WHERE") {
					c.database(w, table, "all", "data", "delete")
				}
			}
		}
	case c.has("_execute"):
		for _, w := range c.values("alter") {
			for _, f := range sqlStatements(withHoles(w)) {
				if slices.Contains(upper(f), "DROP") {
					c.database(w, table, "data", "delete")
				}
			}
		}
	}
}

// consoleLines is what hbase shell and ZooKeeper's shell read, a command on each line.
func consoleLines(c *call) {
	if c.name != "hbase" && !strings.HasPrefix(c.name, "zkCli") && !strings.HasPrefix(c.name, "zookeeper-shell") {
		return
	}
	for _, w := range c.fed() {
		for _, line := range strings.FieldsFunc(withHoles(w), func(r rune) bool { return r == '\n' || r == ';' }) {
			f := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t,'\"()", r) })
			if len(f) < 2 {
				continue
			}
			switch {
			case c.name != "hbase":
				if f[0] == "deleteall" || f[0] == "rmr" {
					c.database(w, f[1], "data", "delete")
				}
			case f[0] == "drop", f[0] == "drop_all", f[0] == "drop_namespace", f[0] == "truncate", f[0] == "truncate_preserve":
				c.database(w, f[1], "data", "delete")
			case f[0] == "disable", f[0] == "disable_all":
				c.database(w, f[1], "settings")
			}
		}
	}
}

func upper(f []string) []string {
	up := make([]string, len(f))
	for i, w := range f {
		up[i] = strings.ToUpper(w)
	}
	return up
}

// fed is the text that the program reads: a file's, a here-document's, a pipe's.
func (c *call) fed() []word.Word {
	if g := c.action.Given; g.Know != 0 {
		return []word.Word{g}
	}
	var out []word.Word
	switch in := c.action.Stdin; in.Kind {
	case command.InputText:
		out = append(out, in.Word)
	case command.InputPipe:
		for _, i := range in.From {
			if i < 0 || i >= len(c.line.Actions) {
				continue
			}
			from := &c.line.Actions[i]
			if t, ok := output(from); ok {
				out = append(out, word.Lit(t))
				continue
			}
			// select concat('drop table ', …), whose rows are the statements.
			if name, _ := from.Name(); name == c.name {
				for _, w := range from.Args() {
					if t := madeBySelect(withHoles(w)); t != "" {
						out = append(out, word.Lit(t))
					}
				}
			}
		}
	}
	return out
}

// withHoles is a text of which a part is not known, with a name in its place:
// "DROP DATABASE $X" drops one, whichever it is.
func withHoles(w word.Word) string {
	if v, ok := w.Value(); ok {
		return v
	}
	var b strings.Builder
	for _, p := range w.Shape {
		if p.Hole == word.NoHole {
			b.WriteString(p.Lit)
		} else {
			b.WriteString("…")
		}
	}
	return b.String()
}

func (c *call) database(w word.Word, name string, attrs ...string) {
	e := c.effect(DBChange, attrs...)
	if file := c.args.Operands; len(file) > 0 && (c.name == "sqlite3" || c.name == "duckdb") {
		if objs := c.objects(Path, file[0]); len(objs) == 1 {
			e.param("file", objs[0].Name)
		}
	}
	c.emit(e, Object{Type: Database, Name: name, Word: w})
}
