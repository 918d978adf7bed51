package audit

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// byJSON is the line as package json makes it.
func byJSON(t *testing.T, e *Event) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPlain sets each field of an event by itself, and all of them, and wants what
// package json makes of it: a field that plain does not know is found here.
func TestPlain(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 890123000, time.UTC)
	set := func(v reflect.Value) {
		switch v.Interface().(type) {
		case time.Time:
			v.Set(reflect.ValueOf(now))
		case *time.Time:
			v.Set(reflect.ValueOf(&now))
		case *int:
			v.Set(reflect.ValueOf(Int(0)))
		case []byte:
			v.SetBytes([]byte("\xff\x00 raw"))
		case []string:
			v.Set(reflect.ValueOf([]string{"one", "", "a \"b\" \\ <&>\n\t\r\x7f"}))
		case []Finding, json.RawMessage: // package json's
		default:
			switch v.Kind() {
			case reflect.String:
				v.SetString("a \"b\" \\ <&>\n\t\r\x7f")
			case reflect.Int, reflect.Int64:
				v.SetInt(-7)
			default:
				t.Fatalf("%s: nobody knows how to set it", v.Type())
			}
		}
	}
	var all Event
	fields := reflect.ValueOf(&all).Elem()
	for i := range fields.NumField() {
		one := Event{Time: now}
		set(reflect.ValueOf(&one).Elem().Field(i))
		set(fields.Field(i))
		for _, e := range []*Event{&one, &all} {
			if got, ok := plain(e); !ok || !bytes.Equal(got, byJSON(t, e)) {
				t.Errorf("%s: %v %s, by package json %s", fields.Type().Field(i).Name, ok, got, byJSON(t, e))
			}
		}
	}
	zone := now.In(time.FixedZone("", 3600))
	for name, e := range map[string]Event{
		"findings": {Time: now, Findings: []Finding{{}}},
		"facts":    {Time: now, Facts: json.RawMessage("{}")},
		"beyond":   {Time: now, Text: "ü"},
		"control":  {Time: now, Text: "\x01"},
		"year":     {Time: now.AddDate(9000, 0, 0)},
		"zone":     {Time: zone},
		"until":    {Time: now, Until: &zone},
	} {
		if line, ok := plain(&e); ok {
			t.Errorf("%s is taken for plain: %s", name, line)
		}
	}
}

// FuzzPlain wants of any text what package json makes of it.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"rm -rf '/a b'", "a \"b\" \\ <&>\n\t\r\x7f", "ü\u2028", "\xff", "\x00\x1f"} {
		f.Add(s, s, int64(7))
	}
	f.Fuzz(func(t *testing.T, text, arg string, n int64) {
		e := &Event{Time: time.Unix(n%1e10, n%1e9).UTC(), Text: text, Argv: []string{arg, text}, Size: n, TextRaw: []byte(arg)}
		if line, ok := plain(e); ok && !bytes.Equal(line, byJSON(t, e)) {
			t.Errorf("%s, by package json %s", line, byJSON(t, e))
		}
	})
}

// TestHeadLine writes and reads lines of a heads file by hand and by package json.
func TestHeadLine(t *testing.T) {
	hash := tlog.RecordHash([]byte("x"))
	for name, h := range map[string]headLine{
		"one":   {V: 1, Note: "guardsh trail v1\nday\n3\n\n— key abc+/=\n", Frontier: []tlog.Hash{hash}, Bytes: 12},
		"more":  {V: 1, Note: "n\n", Frontier: []tlog.Hash{hash, {}, hash}, Bytes: 1 << 40},
		"none":  {V: 1, Note: "n\n", Bytes: 0},
		"marks": {V: 1, Note: "a \"b\" \\n <&>\x01\xff\n", Frontier: []tlog.Hash{hash}, Bytes: 7},
	} {
		want, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.line(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %s %v, by package json %s", name, got, err, want)
		}
		var by headLine
		if err := json.Unmarshal(want, &by); err != nil {
			t.Fatal(err)
		}
		if got, err := readHeadLine(want); err != nil || !reflect.DeepEqual(got, by) {
			t.Errorf("%s: read as %+v %v, by package json %+v", name, got, err, by)
		}
	}
	for _, bad := range []string{"", "{}", `{"v":1,"note":"`, `{"v":1,"note":"x","frontier":["zz"],"bytes":3}`, `{"v":1,"note":"x","frontier":[],"bytes":x}`} {
		var by headLine
		want := json.Unmarshal([]byte(bad), &by)
		if got, err := readHeadLine([]byte(bad)); (err == nil) != (want == nil) || err == nil && !reflect.DeepEqual(got, by) {
			t.Errorf("%s: %+v %v, by package json %+v %v", bad, got, err, by, want)
		}
	}
}
