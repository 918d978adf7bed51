package effect

import (
	"slices"
	"strings"

	"guardsh/rules/word"
)

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
		case "RETENTION": // policy: with the shards that it keeps
			c.database(src, name(3), "delete", "data")
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
		} else if i := slices.Index(up, "MYSQL.USER"); i > 0 {
			c.database(src, f[i], "remove")
		} else if len(f) > 2 && catalog(up[2]) {
			c.database(src, f[2], "data", "delete")
		}
	case "UPDATE":
		if !limited(up, "WHERE", "LIMIT") && has("SET") {
			c.database(src, name(1), "data")
		} else if len(f) > 2 && (catalog(up[1]) || up[1] == "PG_DATABASE") {
			c.database(src, f[1], "settings", "force")
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
			if decidesStart(strings.ToLower(setting)) { // the others are for tuning it
				c.database(src, setting, "settings", "force")
			}
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

// catalog reports a table in which PostgreSQL and SQLite keep what tables there
// are; a change there is checked by nobody.
func catalog(table string) bool {
	return strings.HasPrefix(table, "PG_CATALOG.") || table == "SQLITE_MASTER" || table == "SQLITE_SCHEMA" ||
		table == "PG_CLASS" || table == "PG_ATTRIBUTE" || table == "PG_INDEX" || table == "PG_TYPE" || table == "PG_AUTHID"
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
