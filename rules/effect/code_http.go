package effect

import (
	"net/url"
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
		"8098":  // riak
		return true
	}
	return false
}

// storeNames are the labels of a host name that say the same.
var storeNames = []string{"elastic", "opensearch", "es", "couch", "consul", "etcd", "solr", "influx", "qdrant", "meili"}

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
		u, err := url.Parse(strings.ReplaceAll(text, "%", ""))
		if err != nil || !isStore(u.Hostname(), u.Port()) {
			continue
		}
		p := strings.Trim(u.Path, "/")
		switch {
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

func isStore(name, port string) bool {
	if storePort(port) {
		return true
	}
	first, _, _ := strings.Cut(strings.ToLower(name), ".")
	first = strings.TrimRight(first, "0123456789-")
	for _, part := range strings.Split(first, "-") {
		for _, n := range storeNames {
			if part == n || len(n) > 2 && strings.HasPrefix(part, n) {
				return true
			}
		}
	}
	return false
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
