package effect

import (
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
		c.redis(c.args.Operands)
		return
	}
	switch ops := c.args.Operands; {
	case c.name == "sqlite3" && len(ops) > 1:
		texts = append(texts, ops[1:]...)
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
				for _, words := range sqlStatements(v) {
					c.sql(words, w)
				}
			}
		}
	}
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
			if t, ok := output(&c.line.Actions[i]); ok {
				out = append(out, word.Lit(t))
			}
		}
	}
	return out
}

// withHoles is a text of which a part is not known, with a name in its place:
// "DROP DATABASE $X" drops one, whichever it is.
func withHoles(w word.Word) string {
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

// sqlStatements splits SQL into statements and those into words. Comments are
// dropped, a quoted text becomes one word that begins with its quote.
func sqlStatements(s string) [][]string {
	var out [][]string
	var cur []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			cur = append(cur, b.String())
			b.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		ch := s[i]
		switch {
		case ch == '\'' || ch == '"' || ch == '`':
			flush()
			j := i + 1
			for j < len(s) && s[j] != ch {
				if s[j] == '\\' && ch == '\'' {
					j++
				}
				j++
			}
			text := s[i+1 : min(j, len(s))]
			if ch == '\'' {
				text = "'" + text
			}
			if text != "" {
				cur = append(cur, text)
			}
			i = j
		case ch == '$' && dollarQuote(s[i:]) > 0:
			// A body: of a function, which is only made, or of DO, which runs.
			n := dollarQuote(s[i:])
			flush()
			body, _, _ := strings.Cut(s[i+n:], s[i:i+n])
			if len(cur) > 0 && strings.EqualFold(cur[0], "DO") {
				out = append(out, sqlStatements(body)...)
			}
			cur = append(cur, "'"+body)
			i += min(2*n+len(body), len(s)-i) - 1
		case ch == '-' && strings.HasPrefix(s[i:], "--"), ch == '#':
			flush()
			j := strings.IndexByte(s[i:], '\n')
			if j < 0 {
				i = len(s)
			} else {
				i += j
			}
		case strings.HasPrefix(s[i:], "/*"):
			flush()
			j := strings.Index(s[i+2:], "*/")
			if j < 0 {
				i = len(s)
			} else {
				i += j + 3
			}
		case ch == ';':
			flush()
			if len(cur) > 0 {
				out = append(out, cur)
				cur = nil
			}
		case ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r' || ch == '(' || ch == ')' || ch == ',':
			flush()
			if ch == ',' {
				cur = append(cur, ",")
			}
		default:
			b.WriteByte(ch)
		}
	}
	flush()
	if len(cur) > 0 {
		out = append(out, cur)
	}
	return out
}

// dollarQuote is the length of PostgreSQL's $$ or $name$ at the beginning of a
// text; 0 where there is none.
func dollarQuote(s string) int {
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '$':
			return i + 1
		case c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9' || i == 1):
			return 0
		}
	}
	return 0
}

// sql is one statement.
func (c *call) sql(f []string, src word.Word) {
	up := make([]string, len(f))
	for i, w := range f {
		up[i] = strings.ToUpper(w)
	}
	// name is the first word from i on that is not noise.
	name := func(i int) string {
		for ; i < len(f); i++ {
			switch up[i] {
			case "IF", "EXISTS", "TABLE", "ONLY", "CONCURRENTLY":
				continue
			}
			return f[i]
		}
		return ""
	}
	has := func(words ...string) bool {
		for _, u := range up {
			for _, w := range words {
				if u == w {
					return true
				}
			}
		}
		return false
	}
	switch up[0] {
	case "BEGIN", "EXPLAIN", "DECLARE", "THEN", "ELSE":
		if len(f) > 1 && (up[0] != "EXPLAIN" || up[1] == "ANALYZE") {
			c.sql(f[1:], src) // a plain EXPLAIN runs nothing
		}
	case "ANALYZE":
		if len(f) > 1 {
			c.sql(f[1:], src)
		}
	case "EXECUTE":
		if len(f) > 1 && strings.HasPrefix(f[1], "'") {
			for _, words := range sqlStatements(f[1][1:]) {
				c.sql(words, src)
			}
		}
	case "WITH": // the statement behind the queries that it names
		for i, u := range up {
			if i > 0 && (u == "DELETE" || u == "UPDATE" || u == "TRUNCATE") {
				c.sql(f[i:], src)
				break
			}
		}
	case "DROP":
		if len(f) < 2 {
			return
		}
		switch up[1] {
		case "DATABASE", "SCHEMA", "KEYSPACE":
			c.database(src, name(2), "namespace", "delete", "data")
		case "TABLE", "MATERIALIZED", "TABLESPACE", "COLUMNFAMILY", "PARTITION":
			c.database(src, name(2), "delete", "data")
		case "OWNED":
			c.database(src, "everything that "+strings.Join(f[min(2, len(f)):], " ")+" owns", "namespace", "delete", "data")
		case "USER", "ROLE":
			c.database(src, name(2), "remove")
		}
	case "TRUNCATE":
		c.database(src, name(1), "delete", "data")
	case "SHUTDOWN":
		if c.name == "sqlplus" || c.name == "rman" {
			c.emit(c.effect(Stop), Object{Type: Service, Name: "oracle", Word: src})
		}
	case "DELETE":
		if !limited(up, "WHERE", "USING", "LIMIT") && len(f) > 1 {
			i := 1
			for i+1 < len(f) && (up[i] == "FROM" || up[i] == "NOPROMPT" || up[i] == "FORCE") {
				i++
			}
			c.database(src, name(i), "delete", "all", "data")
		}
	case "UPDATE":
		if !limited(up, "WHERE", "LIMIT") && has("SET") {
			c.database(src, name(1), "data")
		}
	case "ALTER":
		if (has("DROP") || has("DELETE") && !limited(up, "WHERE")) && len(f) > 2 && up[1] == "TABLE" {
			c.database(src, name(2), "delete", "data")
		}
	case "PURGE", "RESET":
		if len(f) > 1 && (up[1] == "BINARY" || up[1] == "MASTER" || up[1] == "SLAVE" || up[1] == "REPLICA") {
			c.database(src, strings.Join(f[:2], " "), "delete")
		}
	}
}

// limited reports whether a statement, in capitals, has one of the words by
// which it falls on some rows only. WHERE 1, WHERE TRUE and WHERE 1=1 are none.
func limited(up []string, words ...string) bool {
	for i, u := range up {
		for _, w := range words {
			if u != w {
				continue
			}
			rest := strings.Join(up[i+1:], "")
			if a, b, ok := strings.Cut(rest, "="); u == "WHERE" && (rest == "1" || rest == "TRUE" || ok && a == b && a != "") {
				continue
			}
			return true
		}
	}
	return false
}

// cypher is a text for Neo4j: one that matches every node and deletes it.
func (c *call) cypher(s string, src word.Word) {
	for _, statement := range strings.Split(withoutStrings(s), ";") {
		up := strings.ToUpper(strings.Join(strings.Fields(statement), " "))
		switch _, deletes, ok := strings.Cut(up, "DELETE "); {
		case strings.HasPrefix(up, "DROP DATABASE "):
			c.database(src, strings.Fields(up)[2], "namespace", "data", "delete")
		case ok && deletes != "" && !strings.ContainsAny(strings.SplitN(up, "DELETE ", 2)[0], ":{") && !strings.Contains(up, "WHERE") && !strings.Contains(up, "LIMIT"):
			c.database(src, "every node", "all", "data", "delete")
		}
	}
}

// redis is one command of redis-cli.
func (c *call) redis(ws []word.Word) {
	if len(ws) == 0 {
		return
	}
	verb := strings.ToUpper(ws[0].String())
	switch verb {
	case "FLUSHALL":
		c.database(ws[0], verb, "all", "data", "delete")
	case "FLUSHDB":
		c.database(ws[0], verb, "namespace", "data", "delete")
	case "EVAL":
		if len(ws) > 1 {
			if script := strings.ToUpper(ws[1].String()); strings.Contains(script, "FLUSHALL") || strings.Contains(script, "FLUSHDB") {
				c.database(ws[0], "FLUSHALL", "all", "data", "delete")
			}
		}
	case "DEL", "UNLINK":
		// What a pipe of keys gives is all that it found.
		for _, w := range ws[1:] {
			if w.Know == word.Unknown && w.Many {
				c.database(ws[0], "every key that it is given", "data", "delete")
				break
			}
		}
	case "CLUSTER":
		if len(ws) > 1 && strings.EqualFold(ws[1].String(), "reset") {
			c.database(ws[0], "this node of the cluster", "namespace", "delete", "data")
		}
	case "CONFIG":
		// Without either a restart begins with nothing.
		if len(ws) > 3 && strings.EqualFold(ws[1].String(), "set") {
			key, val := strings.ToLower(ws[2].String()), strings.ToLower(ws[3].String())
			if key == "save" && val == "" || key == "appendonly" && val == "no" {
				c.database(ws[0], "what keeps the data over a restart ("+key+")", "data")
			}
		}
	case "SHUTDOWN":
		if len(ws) > 1 && strings.EqualFold(ws[1].String(), "nosave") {
			c.database(ws[0], "what was written since the last save", "data", "delete")
		}
		c.emit(c.effect(Stop), Object{Type: Service, Name: "redis", Word: ws[0]})
	case "REPLICAOF", "SLAVEOF":
		if len(ws) > 1 && !strings.EqualFold(ws[1].String(), "no") {
			c.database(ws[0], verb, "all", "data", "delete")
		}
	}
}

// mongo is a script for mongo.
func (c *call) mongo(s string, src word.Word) {
	s = withoutStrings(s)
	switch {
	case strings.Contains(s, "rs.remove("), strings.Contains(s, "rs.stepDown("), strings.Contains(s, "rs.reconfig("):
		c.emit(c.effect(ClusterChange, "detach"), Object{Type: Cluster, Name: "a member of the replica set", Word: src})
	case strings.Contains(s, "dropDatabase("), strings.Contains(s, ".dropSchema("):
		c.database(src, "dropDatabase", "namespace", "data", "delete")
	case strings.Contains(s, ".drop()"), strings.Contains(s, "._drop("), strings.Contains(s, ".dropCollection("), strings.Contains(s, ".dropIndexes("):
		c.database(src, "drop", "data", "delete")
	case strings.Contains(s, ".deleteMany({})"), strings.Contains(s, ".remove({})"):
		c.database(src, "deleteMany", "all", "data", "delete")
	case strings.Contains(s, "shutdownServer("):
		c.emit(c.effect(Stop), Object{Type: Service, Name: "mongod", Word: src})
	}
}

// withoutStrings is JavaScript without what stands in its strings and comments.
func withoutStrings(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case ch == '\'' || ch == '"' || ch == '`':
			b.WriteByte(ch)
			for i++; i < len(s) && s[i] != ch; i++ {
				if s[i] == '\\' {
					i++
				}
			}
			b.WriteByte(ch)
		case strings.HasPrefix(s[i:], "//"):
			for i < len(s) && s[i] != '\n' {
				i++
			}
		case strings.HasPrefix(s[i:], "/*"):
			if j := strings.Index(s[i+2:], "*/"); j >= 0 {
				i += j + 3
			} else {
				i = len(s)
			}
		default:
			b.WriteByte(ch)
		}
	}
	return b.String()
}

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
