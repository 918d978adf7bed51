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

// kept is statements without those that a ROLLBACK behind them takes back, and
// those that drop what the session made for itself.
// MySQL and Oracle commit what changes a table's definition by itself.
func (c *call) kept(statements [][]string) [][]string {
	var out [][]string
	transactional := c.name == "psql" || c.name == "pgcli" || c.name == "sqlite3" || c.name == "litecli" || c.name == "cockroach"
	begun := -1 // where the transaction begins, in out
	var temporary []string
	for _, f := range statements {
		if len(f) > 3 && strings.EqualFold(f[0], "CREATE") && strings.HasPrefix(strings.ToUpper(f[1]), "TEMP") {
			temporary = append(temporary, f[3:]...)
		}
		if len(f) > 2 && strings.EqualFold(f[0], "DROP") && slices.Contains(temporary, f[len(f)-1]) {
			continue
		}
		switch first := strings.ToUpper(f[0]); {
		case first == "BEGIN" && len(f) <= 2, first == "START" && len(f) > 1 && strings.EqualFold(f[1], "TRANSACTION"):
			begun = len(out)
		case first == "COMMIT" || first == "END":
			begun = -1
		case first == "ROLLBACK" && len(f) <= 2 && begun >= 0:
			for i := begun; i < len(out); i++ {
				switch strings.ToUpper(out[i][0]) {
				case "DELETE", "UPDATE", "DROP", "TRUNCATE", "ALTER", "CREATE":
					out[i] = nil
				}
			}
			out, begun = slices.DeleteFunc(out, func(f []string) bool { return f == nil }), -1
			continue
		case !transactional && (first == "DROP" || first == "TRUNCATE" || first == "ALTER" || first == "CREATE"):
			begun = -1
		}
		out = append(out, f)
	}
	return out
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

// madeBySelect is the statements that a SELECT puts together from texts in it, as
// far as they are written.
func madeBySelect(text string) string {
	var b strings.Builder
	for _, f := range sqlStatements(text) {
		if !strings.EqualFold(f[0], "SELECT") {
			continue
		}
		for _, w := range f {
			begin, quoted := strings.CutPrefix(w, "'")
			if verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(begin)), " "); quoted && (verb == "DROP" || verb == "TRUNCATE" || verb == "DELETE") {
				b.WriteString(begin + " …;")
			}
		}
	}
	return b.String()
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
	up := upper(f)
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
	case "SELECT", "CALL", "PERFORM":
		c.function(up, src)
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
		case "MEASUREMENT", "SERIES", "SHARD":
			c.database(src, name(2), "delete", "data")
		case "TABLE", "MATERIALIZED", "TABLESPACE", "COLUMNFAMILY", "PARTITION":
			c.database(src, name(2), "delete", "data")
		case "OWNED":
			c.database(src, "everything that "+strings.Join(f[min(2, len(f)):], " ")+" owns", "namespace", "delete", "data")
		case "USER", "ROLE", "LOGIN", "SUBSCRIPTION", "PUBLICATION":
			c.database(src, name(2), "remove")
		case "EXTENSION", "TYPE", "DOMAIN":
			if up[len(up)-1] == "CASCADE" { // with every column that is made of it
				c.database(src, name(2), "delete", "data")
			}
		}
	case "CREATE":
		if len(f) > 3 && up[1] == "OR" && up[2] == "REPLACE" && up[3] == "TABLE" && c.name != "duckdb" {
			c.database(src, name(4), "delete", "data")
		}
	case "DETACH":
		if len(f) > 2 && c.name != "sqlite3" && c.name != "duckdb" && (up[1] == "TABLE" || up[1] == "DATABASE") {
			c.database(src, name(2), "remove")
		}
	case "REVOKE":
		if has("ALL") && !has("PUBLIC") {
			c.database(src, f[len(f)-1], "remove")
		}
	case "SYSTEM":
		if len(f) > 3 && up[1] == "DROP" && up[2] == "REPLICA" {
			c.database(src, "a replica's part of what keeps them alike", "delete", "data")
		}
		if len(f) > 1 && (up[1] == "SHUTDOWN" || up[1] == "KILL") {
			e := c.effect(Stop)
			if up[1] == "KILL" {
				e = killedHard(c)
			}
			c.emit(e, Object{Type: Service, Name: "clickhouse-server", Word: src})
		}
	case "SET":
		c.setGlobal(f, src)
	case "FORCE": // DB2
		if len(f) > 2 && (up[1] == "APPLICATIONS" || up[1] == "APPLICATION") && up[2] == "ALL" {
			c.database(src, "every connection to it", "settings", "force", "kill")
		}
	case "TRUNCATE":
		c.database(src, name(1), "delete", "data")
	case "SHUTDOWN":
		switch c.name {
		case "sqlplus", "rman":
			e := c.effect(Stop)
			if has("ABORT") {
				e = killedHard(c)
			}
			c.emit(e, Object{Type: Service, Name: "oracle", Word: src})
		case "mysql", "mariadb", "mycli", "mariadb-client", "mysqlsh":
			c.emit(c.effect(Stop), Object{Type: Service, Name: "mysql", Word: src})
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
		if len(f) < 3 {
			return
		}
		switch up[1] {
		case "TABLE":
			if has("DROP", "DISCARD") || len(up) > 3 && slices.Contains(up[3:], "TRUNCATE") || strings.Contains(strings.Join(up, ""), "ENGINE=BLACKHOLE") ||
				has("DELETE", "UPDATE") && !limited(up, "WHERE") && strings.HasPrefix(c.name, "clickhouse") {
				c.database(src, name(2), "delete", "data")
			}
		case "SYSTEM":
			if up[2] != "SET" && up[2] != "RESET" {
				return
			}
			setting, _, _ := strings.Cut(strings.Join(f[3:], " "), "=")
			setting, _, _ = strings.Cut(strings.TrimSpace(setting), " ")
			attrs := []string{"settings"}
			if decidesStart(strings.ToLower(setting)) {
				attrs = append(attrs, "force")
			}
			c.database(src, setting, attrs...)
		case "ROLE", "USER", "LOGIN":
			if has("NOLOGIN", "DISABLE") || has("ACCOUNT") && has("LOCK") {
				c.database(src, name(2), "remove")
			}
		case "DATABASE":
			if has("ALLOW_CONNECTIONS") && has("FALSE") || has("OFFLINE", "SINGLE_USER", "RESTRICTED_USER") || has("RENAME") {
				c.database(src, name(2), "settings", "force")
			}
		}
	case "REPLACE":
		if len(f) > 1 && up[1] == "TABLE" { // of ClickHouse; REPLACE INTO adds rows
			c.database(src, name(2), "delete", "data")
		}
	case "PURGE", "RESET":
		if len(f) > 1 && (up[1] == "BINARY" || up[1] == "MASTER" || up[1] == "SLAVE" || up[1] == "REPLICA") {
			c.database(src, strings.Join(f[:2], " "), "delete")
		}
	}
}

// function is a SELECT of a function of PostgreSQL that acts upon the server.
func (c *call) function(up []string, src word.Word) {
	for _, u := range up {
		switch u {
		case "PG_TERMINATE_BACKEND":
			if slices.Contains(up, "PG_STAT_ACTIVITY") && !limited(up, "WHERE") {
				c.database(src, "every connection to it", "settings", "force", "kill")
			}
		case "PG_DROP_REPLICATION_SLOT":
			c.database(src, "the slot that a standby is fed from", "delete")
		case "PG_PROMOTE":
			c.database(src, "a standby that becomes a second primary", "data")
		default:
			continue
		}
		return
	}
}

// killedHard is a stop that lets the program finish nothing.
func killedHard(c *call) Effect { return c.effect(Stop, "no-sync") }

// decidesStart reports a setting of PostgreSQL's upon which it depends whether
// the server starts, who reaches it, and whether what was committed is on the
// disk: most of those whose context is postmaster, and fsync and its like.
// https://www.postgresql.org/docs/current/runtime-config.html
func decidesStart(setting string) bool {
	switch setting {
	case "all", "listen_addresses", "port", "unix_socket_directories", "max_connections", "superuser_reserved_connections", "reserved_connections",
		"shared_buffers", "huge_pages", "shared_preload_libraries", "data_directory", "config_file", "hba_file", "ident_file", "external_pid_file",
		"ssl", "ssl_cert_file", "ssl_key_file", "wal_level", "max_wal_senders", "max_replication_slots", "max_worker_processes",
		"max_prepared_transactions", "max_locks_per_transaction", "max_files_per_process", "fsync", "full_page_writes", "zero_damaged_pages",
		"ignore_checksum_failure", "ignore_invalid_pages", "archive_mode", "archive_command", "hot_standby", "default_transaction_read_only",
		"primary_conninfo", "allow_system_table_mods", "synchronous_standby_names", "restart_after_crash":
		return true
	}
	return false
}

// setGlobal is SET GLOBAL, PERSIST or @@GLOBAL of MySQL where it closes the
// server to writers or to everybody, or takes the promise from COMMIT.
func (c *call) setGlobal(f []string, src word.Word) {
	text := strings.ToLower(strings.Join(f[1:], " "))
	text = strings.NewReplacer("@@global.", "global ", "@@persist.", "global ", "persist ", "global ").Replace(text)
	for _, one := range strings.Split(text, ",") {
		one, ok := strings.CutPrefix(strings.TrimSpace(one), "global ")
		if !ok {
			continue
		}
		name, value, _ := strings.Cut(one, "=")
		name, value = strings.TrimRight(strings.TrimSpace(name), ": "), strings.Trim(value, " '")
		switch name {
		case "read_only", "super_read_only", "offline_mode", "require_secure_transport":
			if value == "1" || value == "on" || value == "true" {
				c.database(src, name, "settings")
			}
		case "innodb_flush_log_at_trx_commit", "sync_binlog", "log_bin", "innodb_doublewrite":
			if value == "0" || value == "off" {
				c.database(src, name, "settings")
			}
		}
	}
}

// limited reports whether a statement, in capitals, has one of the words by
// which it falls on some rows only. WHERE 1, WHERE TRUE, WHERE 1=1 and what is
// true of every key (WHERE id > 0) are none, alone or behind an OR.
func limited(up []string, words ...string) bool {
	for i, u := range up {
		for _, w := range words {
			if u != w {
				continue
			}
			if u == "WHERE" && anyTrue(up[i+1:]) {
				continue
			}
			return true
		}
	}
	return false
}

// anyTrue reports whether a condition, in capitals, holds for every row, or has
// such a part behind an OR.
func anyTrue(up []string) bool {
	for len(up) > 0 {
		n := slices.Index(up, "OR")
		if n < 0 {
			n = len(up)
		}
		part := strings.Join(up[:n], "")
		key := strings.TrimSuffix(part, ">0")
		if key == part {
			key = strings.TrimSuffix(part, "ISNOTNULL")
		}
		a, b, same := strings.Cut(part, "=")
		if part == "1" || part == "TRUE" || same && a == b && a != "" || key != part && (key == "ID" || strings.HasSuffix(key, ".ID") || strings.HasSuffix(key, "_ID")) {
			return true
		}
		up = up[min(n+1, len(up)):]
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
	sub := func(i int) string {
		if i >= len(ws) {
			return ""
		}
		return strings.ToUpper(ws[i].String())
	}
	verb := sub(0)
	switch verb {
	case "FLUSHALL":
		c.database(ws[0], verb, "all", "data", "delete")
	case "FLUSHDB":
		c.database(ws[0], verb, "namespace", "data", "delete")
	case "EVAL":
		if len(ws) > 1 {
			if script := strings.ToUpper(ws[1].String()); strings.Contains(script, "FLUSHALL") || strings.Contains(script, "FLUSHDB") || strings.Contains(script, "KEYS'") && (strings.Contains(script, "'DEL'") || strings.Contains(script, "'UNLINK'")) {
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
		switch sub(1) {
		case "RESET":
			c.database(ws[0], "this node of the cluster", "namespace", "delete", "data")
		case "FORGET", "FLUSHSLOTS", "DELSLOTS", "DELSLOTSRANGE":
			c.emit(c.effect(ClusterChange, "detach"), Object{Type: Cluster, Name: "a node's part of the keys", Word: ws[0]})
		case "FAILOVER":
			// Without the agreement of the others, or of the old primary.
			if sub(2) == "TAKEOVER" || sub(2) == "FORCE" {
				c.emit(c.effect(ClusterChange, "force"), Object{Type: Cluster, Name: "which node is the primary", Word: ws[0]})
			}
		}
	case "SENTINEL":
		if sub(1) == "REMOVE" || sub(1) == "FAILOVER" {
			c.emit(c.effect(ClusterChange, "detach"), Object{Type: Cluster, Name: strings.ToLower(sub(2)), Word: ws[0]})
		}
	case "DEBUG":
		switch sub(1) {
		case "SEGFAULT", "PANIC", "OOM", "RESTART", "CRASH-AND-RECOVER", "CRASH-AND-ABORT":
			c.emit(killedHard(c), Object{Type: Service, Name: "redis", Word: ws[0]})
		}
	case "ACL":
		if sub(1) == "DELUSER" {
			c.database(ws[0], strings.ToLower(sub(2)), "remove")
		}
	case "FUNCTION":
		if sub(1) == "FLUSH" {
			c.database(ws[0], "every function", "all", "delete")
		}
	case "CONFIG":
		// Without either a restart begins with nothing.
		if len(ws) > 3 && strings.EqualFold(ws[1].String(), "set") {
			key, val := strings.ToLower(ws[2].String()), strings.ToLower(ws[3].String())
			if key == "save" && val == "" || key == "appendonly" && val == "no" {
				c.database(ws[0], "what keeps the data over a restart ("+key+")", "data")
			}
			if key == "dir" || key == "dbfilename" { // the next save writes over what is there
				c.database(ws[0], "where it saves to ("+key+")", "settings", "force")
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

// redisCluster is redis-cli --cluster COMMAND HOST:PORT …
func (c *call) redisCluster(ws []word.Word) {
	switch ws[0].String() {
	case "call": // a command on every node
		if len(ws) > 2 {
			c.redis(ws[2:])
		}
	case "del-node":
		c.emit(c.effect(ClusterChange, "detach"), Object{Type: Cluster, Name: "a node of the cluster", Word: ws[0]})
	}
}

// mongo is a script for mongo.
func (c *call) mongo(s string, src word.Word) {
	s = strings.Join(strings.Fields(withoutStrings(s)), "")
	switch {
	case strings.Contains(s, "rs.remove("), strings.Contains(s, "rs.stepDown("), strings.Contains(s, "rs.reconfig("), strings.Contains(s, "sh.removeShard("),
		strings.Contains(s, "{removeShard:"):
		c.emit(c.effect(ClusterChange, "detach"), Object{Type: Cluster, Name: "a member of the replica set", Word: src})
	case strings.Contains(s, "dropDatabase("), strings.Contains(s, ".dropSchema("), strings.Contains(s, "ommand({dropDatabase:"):
		c.database(src, "dropDatabase", "namespace", "data", "delete")
	case strings.Contains(s, ".drop()"), strings.Contains(s, ".drop({"), strings.Contains(s, "ommand({drop:"), strings.Contains(s, ".renameCollection(") && strings.Contains(s, ",true)"), strings.Contains(s, "._drop("), strings.Contains(s, ".dropCollection("), strings.Contains(s, ".dropIndexes("):
		c.database(src, "drop", "data", "delete")
	case strings.Contains(s, ".deleteMany({}"), strings.Contains(s, ".remove({}"), strings.Contains(s, "{deleteMany:{filter:{}}"), strings.Contains(s, ".remove()"):
		c.database(src, "deleteMany", "all", "data", "delete")
	case strings.Contains(s, ".updateMany({},"):
		c.database(src, "updateMany", "data")
	case strings.Contains(s, ".dropUser("), strings.Contains(s, ".dropAllUsers("), strings.Contains(s, "ommand({dropAllUsersFromDatabase:"), strings.Contains(s, "ommand({dropUser:"), strings.Contains(s, ".dropRole("), strings.Contains(s, ".dropAllRoles("):
		c.database(src, "dropUser", "remove")
	case strings.Contains(s, "shutdownServer("), strings.Contains(s, "ommand({shutdown:"):
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
