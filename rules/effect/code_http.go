package effect

import (
	"net/url"
	"slices"
	"strings"

	"guardsh/rules/word"
)

// storePort reports whether a request to a port says to a store of data what a
// statement says to a database: DELETE /orders drops a table.
func storePort(port string) bool {
	switch port {
	case "9200", "9243", // elasticsearch
		"5984", "6984", // couchdb
		"2379", "4001", // etcd
		"8500", "8501", // consul
		"8983",  // solr
		"8086",  // influxdb
		"6333",  // qdrant
		"7700",  // meilisearch
		"8108",  // typesense
		"9428",  // victorialogs
		"8428",  // victoriametrics
		"3100",  // loki
		"15672", // rabbitmq
		"8529",  // arangodb
		"8200",  // vault
		"8098":  // riak
		return true
	}
	return false
}

// storeNames are the labels of a host name that say the same.
var storeNames = []string{"elastic", "opensearch", "es", "couch", "consul", "etcd", "solr", "influx", "qdrant", "meili", "vault"}

// httpStore is curl, wget and httpie where they delete in a store of data. A
// DELETE to any other service is that service's affair.
func httpStore(c *call) {
	method := ""
	for _, m := range c.text("method") {
		method = strings.ToUpper(m)
	}
	urls := c.values("url")
	if c.name == "http" || c.name == "https" || c.name == "xh" {
		if len(urls) > 1 {
			if m, ok := urls[0].Value(); ok && m == strings.ToUpper(m) {
				method, urls = m, urls[1:2]
			}
		}
	}
	for _, w := range urls {
		// A URL with a variable in it is read as far as it is written.
		text := w.String()
		if !strings.Contains(text, "://") {
			text = "http://" + text
		}
		text, query, _ := strings.Cut(strings.NewReplacer(`"`, "", "{", "", "}", "").Replace(text), "?")
		u, err := url.Parse(strings.ReplaceAll(text, "%", ""))
		if err != nil {
			continue
		}
		p := strings.Trim(u.Path, "/")
		if c.containerSocket(u.Port(), method, p, query, w) {
			continue
		}
		if strings.HasPrefix(p, "redfish/v1/") {
			c.redfish(method, p, w)
			continue
		}
		if u.Port() == "6443" || (strings.HasPrefix(p, "api/v1/") || strings.HasPrefix(p, "apis/")) && (u.Port() == "8001" || u.Port() == "8443" || u.Port() == "16443") {
			if method == "DELETE" {
				c.kubernetes(p, w)
			}
			continue
		}
		if u.Port() == "8123" || u.Port() == "8086" || isNamed(u.Hostname(), "clickhouse") || isNamed(u.Hostname(), "influx") {
			c.queries(query, w)
		}
		// On these ports of many uses the path says what it is for.
		if !isStore(u.Hostname(), u.Port()) && !strings.HasSuffix(p, "/tsdb/delete_series") {
			continue
		}
		switch {
		case method != "" && method != "GET" && (strings.HasSuffix(p, "/agent/leave") || strings.Contains(p, "/agent/force-leave/") || strings.Contains(p, "/agent/service/deregister/") || strings.HasSuffix(p, "/sys/seal") || strings.HasSuffix(p, "/sys/step-down")):
			c.emit(c.effect(ClusterChange, "detach"), Object{Type: Cluster, Name: u.Host, Word: w})
		case method == "PUT" && strings.HasSuffix(p, "v1/snapshot"): // of consul: all of it, as it was
			c.database(w, "everything at "+u.Host, "namespace")
		case (method != "" && method != "GET" || len(c.values("data")) > 0) && (strings.HasSuffix(p, "/tsdb/delete_series") || strings.HasSuffix(p, "/_purge") || strings.HasSuffix(p, "/kv/deleterange") || strings.HasSuffix(p, "api/v2/delete")),
			strings.HasSuffix(p, "_aliases") && c.sends("remove_index"), strings.HasSuffix(p, "_cluster/reroute") && c.sends(`"accept_data_loss":true`), strings.HasSuffix(p, "/update") && c.sends("<query>*:*</query>"),
			strings.Contains(p, "/admin/") && (strings.Contains(query, "action=DELETE") || strings.Contains(query, "action=UNLOAD")):
			c.database(w, p+" at "+u.Host, "data", "delete")
		case method == "DELETE" && (p == "" || p == "*" || p == "_all" || strings.HasPrefix(p, "*")):
			c.database(w, "every index at "+u.Host, "namespace", "all", "data", "delete")
		case method == "DELETE" && dated(p):
			// Yesterday's index is thrown away every day.
			c.database(w, p+" at "+u.Host, "remove")
		case method == "DELETE", strings.HasSuffix(p, "/_delete_by_query"), strings.HasSuffix(p, "/_close"):
			c.database(w, p+" at "+u.Host, "data", "delete")
		}
	}
}

// dated reports a name that ends in a date, as an index for a day or month does.
func dated(name string) bool {
	i := strings.LastIndexByte(name, '-')
	return i > 0 && !strings.ContainsAny(name, "*,") && len(name)-i > 4 && strings.Trim(name[i+1:], "0123456789.") == ""
}

func isStore(name, port string) bool { return storePort(port) || isNamed(name, storeNames...) }

// isNamed reports whether a host's name begins, or a part of it does, with one of names.
func isNamed(host string, names ...string) bool {
	// $ES_HOST is named like what it holds.
	first, _, _ := strings.Cut(strings.ToLower(strings.Trim(host, "${}")), ".")
	first = strings.TrimRight(first, "0123456789-")
	for _, part := range strings.FieldsFunc(first, func(r rune) bool { return r == '-' || r == '_' }) {
		for _, n := range names {
			if part == n || len(n) > 2 && strings.HasPrefix(part, n) {
				return true
			}
		}
	}
	return false
}

// queries is SQL that goes to a database in the URL or as what is sent: query=, q=,
// or the whole of it.
func (c *call) queries(query string, src word.Word) {
	texts := strings.Split(query, "&")
	for _, d := range c.sent() {
		texts = append(texts, withHoles(d))
	}
	for _, t := range texts {
		if key, value, ok := strings.Cut(t, "="); ok && (key == "q" || key == "query") {
			t = value
		}
		if plain, err := url.QueryUnescape(t); err == nil {
			t = plain
		}
		for _, f := range sqlStatements(t) {
			c.sql(f, src)
		}
	}
}

// sent is what goes with the request; for "@-" what the program reads.
func (c *call) sent() []word.Word {
	var out []word.Word
	for _, d := range c.values("data") {
		if d.Is("@-") {
			out = append(out, c.fed()...)
		} else {
			out = append(out, d)
		}
	}
	return out
}

// sends reports whether what is sent has a text in it.
func (c *call) sends(text string) bool {
	return slices.ContainsFunc(c.sent(), func(w word.Word) bool { return strings.Contains(strings.ReplaceAll(withHoles(w), " ", ""), text) })
}

// kubernetes is a DELETE to the API server: what its path ends in.
func (c *call) kubernetes(p string, src word.Word) {
	parts := strings.Split(p, "/")
	what := parts[len(parts)-1]
	e := c.effect(ClusterChange, "delete")
	if len(parts) > 1 {
		kind := parts[len(parts)-2]
		what = kind + "/" + what
		if isNamespace(kind) {
			e.mark("namespace")
		}
		if holdsData(kind) {
			e.mark("data")
		}
		e.param("type", kind)
	}
	c.emit(e, Object{Type: Cluster, Name: what, Word: src})
}

// containerSocket is a request to Docker's or Podman's API, over its socket or its
// port; it reports whether it is one.
// https://docs.docker.com/reference/api/engine/
func (c *call) containerSocket(port, method, p, query string, src word.Word) bool {
	over := port == "2375" || port == "2376"
	for _, s := range c.text("socket") {
		over = over || strings.HasSuffix(s, "docker.sock") || strings.HasSuffix(s, "podman.sock")
	}
	if !over {
		return false
	}
	parts := strings.Split(p, "/")
	for len(parts) > 0 && (strings.HasPrefix(parts[0], "v") && strings.Trim(parts[0][1:], "0123456789.") == "" || parts[0] == "libpod") {
		parts = parts[1:]
	}
	if len(parts) < 2 {
		return true
	}
	e, o := c.effect(GuestStop), Object{Type: Container, Name: parts[1], Word: src}
	switch {
	case parts[0] == "containers" && method == "DELETE":
		e.mark("remove")
		if strings.Contains(query, "force=") {
			e.mark("force")
		}
	case parts[0] == "containers" && len(parts) > 2 && (parts[2] == "stop" || parts[2] == "kill" || parts[2] == "restart" || parts[2] == "pause"):
	case parts[0] == "volumes" && (method == "DELETE" || parts[1] == "prune"):
		e = c.effect(VolumeDelete, "data")
		o.Type = Volume
		if parts[1] == "prune" {
			o.Name = ""
			e.mark("all", "unused")
		}
	default:
		return true
	}
	e.Command = "docker"
	c.emit(e, o)
	return true
}

// redfish is a request to the controller of a board: an action that takes the
// machine or the controller down, or a volume that goes.
// https://www.dmtf.org/standards/redfish
func (c *call) redfish(method, p string, src word.Word) {
	posts := method == "POST" || method == "" && len(c.values("data")) > 0
	switch {
	case posts && (strings.HasSuffix(p, "/ComputerSystem.Reset") || strings.HasSuffix(p, "/Chassis.Reset")):
		if !c.sends(`"ResetType":"On"`) && !c.sends(`"ResetType":"ForceOn"`) {
			c.emit(c.effect(Power, "poweroff"), Object{Type: Host, Word: src})
		}
	case posts && (strings.HasSuffix(p, "/Manager.Reset") || strings.HasSuffix(p, "/Manager.ResetToDefaults")):
		c.emit(c.effect(NetChange, "restart"), Object{Type: Other, Name: "bmc", Word: src})
	case method == "DELETE" && strings.Contains(p, "/Volumes/"), posts && (strings.HasSuffix(p, "/Volume.Initialize") || strings.HasSuffix(p, "/Drive.SecureErase") || strings.HasSuffix(p, "/Storage.ResetToDefaults")):
		c.emit(c.effect(VolumeDelete, "data"), Object{Type: Volume, Name: p[strings.LastIndexByte(p, '/')+1:], Word: src})
	}
}

// curlFiles is curl: -O takes the name off the URL, --output-dir says where.
func curlFiles(c *call) {
	httpStore(c)
	if c.has("_named") && len(c.values("file")) == 0 {
		for _, w := range c.values("url") {
			if name := urlBase(w); name != "" {
				c.args.Values["file"] = append(c.args.Values["file"], word.Lit(name))
			}
		}
	}
	if dir, ok := theValue(c.values("dir")); ok {
		for i, w := range c.values("file") {
			if v, known := w.Value(); known && v != "-" && !strings.HasPrefix(v, "/") {
				files := append([]word.Word(nil), c.values("file")...)
				files[i] = word.Lit(join(dir, v))
				c.args.Values["file"] = files
			}
		}
	}
}

// wgetFiles is wget: without -O each URL gives a file of its name, and one that
// is there stays.
func wgetFiles(c *call) {
	httpStore(c)
	if len(c.values("file")) > 0 || c.has("_tree") {
		return
	}
	for _, w := range c.values("url") {
		name := urlBase(w)
		if name == "" {
			continue
		}
		if dir, ok := theValue(c.values("dir")); ok {
			name = join(dir, name)
		}
		c.args.Values["fetched"] = append(c.args.Values["fetched"], word.Lit(name))
	}
}

// urlBase is the last part of a URL's path; "" where it has none.
func urlBase(w word.Word) string {
	v, known := w.Value()
	if !known {
		return ""
	}
	v, _, _ = strings.Cut(v, "?")
	if _, rest, ok := strings.Cut(v, "://"); ok {
		v = rest
	}
	i := strings.LastIndexByte(v, '/')
	if i < 0 {
		return ""
	}
	return v[i+1:]
}

// theValue is the known value of the only or last word.
func theValue(ws []word.Word) (string, bool) {
	if len(ws) == 0 {
		return "", false
	}
	return ws[len(ws)-1].Value()
}
