package command

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"io"
	"slices"
	"strings"
)

// revText is rev: each line from its end.
func revText(args []string, text string) (string, bool) {
	if len(args) > 0 {
		return "", false
	}
	var out []string
	for _, l := range linesOf(text) {
		r := []rune(l)
		slices.Reverse(r)
		out = append(out, string(r))
	}
	return textOf(out), true
}

// xxdText is xxd -r -p: bytes from their digits.
func xxdText(args []string, text string) (string, bool) {
	if s := strings.Join(args, " "); s != "-r -p" && s != "-p -r" && s != "-rp" && s != "-ps -r" && s != "-r -ps" {
		return "", false
	}
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	return string(b), err == nil
}

// sameText is a program that hands on what it reads.
func sameText(args []string, text string) (string, bool) { return text, len(args) == 0 }

// unixText is dos2unix: lines without the carriage return at their ends.
func unixText(args []string, text string) (string, bool) {
	return strings.ReplaceAll(text, "\r\n", "\n"), len(args) == 0
}

// fromBase64 is the bytes of a text in base64, whatever its lines.
func fromBase64(text string) (string, bool) {
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	return string(b), err == nil
}

// opensslText is openssl as base64 -d: openssl base64 -d, openssl enc -a -d.
func opensslText(args []string, text string) (string, bool) {
	if len(args) == 0 || args[0] != "base64" && args[0] != "enc" {
		return "", false
	}
	decodes, plain := false, args[0] == "base64"
	for _, x := range args[1:] {
		switch x {
		case "-d":
			decodes = true
		case "-a", "-base64":
			plain = true
		case "-A":
		default:
			return "", false
		}
	}
	if !decodes || !plain {
		return "", false
	}
	return fromBase64(text)
}

// gzipText is gzip -d.
func gzipText(args []string, text string) (string, bool) {
	unpacks := false
	for _, x := range args {
		if x == "--decompress" || x == "--uncompress" || len(x) > 1 && x[1] != '-' && strings.Contains(x, "d") {
			unpacks = true
		}
	}
	if !unpacks {
		return "", false
	}
	return gunzipText(nil, text)
}

// gunzipText is gunzip and zcat of what is read.
func gunzipText(args []string, text string) (string, bool) {
	if slices.ContainsFunc(args, func(x string) bool { return !strings.HasPrefix(x, "-") }) {
		return "", false // a file
	}
	r, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		return "", false
	}
	b, err := io.ReadAll(io.LimitReader(r, MaxText+1))
	return string(b), err == nil && len(b) <= MaxText
}

// decoded is base64 -d of what it reads, or of a file.
func decoded(w *walker, i int) (string, bool) {
	args, ok := known(w.line.Actions[i].Args())
	decodes := false
	file := ""
	for _, x := range args {
		switch x {
		case "-d", "--decode", "-D", "-di", "-id", "--d", "--dec":
			decodes = true
		case "-i", "--ignore-garbage", "-", "-w0":
		default:
			if strings.HasPrefix(x, "-") || file != "" {
				return "", false
			}
			file = x
		}
	}
	if !ok || !decodes {
		return "", false
	}
	text := ""
	if file != "" {
		text, ok = w.contents(i, file)
	} else {
		text, ok = w.read0(i)
	}
	if !ok {
		return "", false
	}
	return fromBase64(text)
}
