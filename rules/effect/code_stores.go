package effect

import (
	"strings"

	"guardsh/rules/word"
)

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
		} else if len(ws) > 1 {
			c.database(ws[0], "a replica that becomes a second primary", "data")
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
