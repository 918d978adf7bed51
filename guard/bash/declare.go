package bash

import (
	"strconv"
	"strings"

	"guardsh/rules/command"
)

// identifier says whether s is a variable name.
func identifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// nameable says whether an alias or function could have the name: any word
// without what bash would read as something else.
func nameable(s string) bool {
	return s != "" && len(s) <= 128 && s[0] != '-' && !strings.ContainsAny(s, " \t\n\x00'\"\\$`=/;&|()<>!")
}

// quote makes one word of s that bash reads back as s.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// parseDeclare reads what `declare -p NAME` prints; nothing means unset.
func parseDeclare(text string) command.Variable {
	rest, ok := strings.CutPrefix(text, "declare -")
	if !ok {
		return command.Variable{State: command.VarUnset}
	}
	attrs, rest, _ := strings.Cut(rest, " ")
	v := command.Variable{
		State: command.VarSet, Exported: strings.Contains(attrs, "x"), Integer: strings.Contains(attrs, "i"),
		NameRef: strings.Contains(attrs, "n"), Readonly: strings.Contains(attrs, "r"),
	}
	_, value, ok := strings.Cut(rest, "=")
	if !ok {
		v.State = command.VarUnset // declared, no value
		return v
	}
	switch {
	case strings.Contains(attrs, "a"), strings.Contains(attrs, "A"):
		keys, values, ok := parseArray(value)
		if !ok {
			return command.Variable{State: command.VarUnknown}
		}
		if strings.Contains(attrs, "A") {
			v.Keys = map[string]string{}
			for i, k := range keys {
				v.Keys[k] = values[i]
			}
			v.Value = v.Keys["0"]
		} else {
			v.List = values
			for i, k := range keys {
				if k == "0" {
					v.Value = values[i]
				}
			}
		}
	default:
		s, rest, ok := unquote(value)
		if !ok || rest != "" {
			return command.Variable{State: command.VarUnknown}
		}
		v.Value = s
	}
	return v
}

// parseArray reads ([k]="v" …).
func parseArray(s string) (keys, values []string, ok bool) {
	s, ok = strings.CutPrefix(s, "(")
	if !ok {
		return nil, nil, false
	}
	for {
		s = strings.TrimLeft(s, " ")
		if s == ")" {
			return keys, values, true
		}
		if !strings.HasPrefix(s, "[") {
			return nil, nil, false
		}
		var key, value string
		s = s[1:]
		if strings.HasPrefix(s, `"`) || strings.HasPrefix(s, "$'") {
			if key, s, ok = unquote(s); !ok {
				return nil, nil, false
			}
		} else if i := strings.IndexByte(s, ']'); i >= 0 {
			key, s = s[:i], s[i:]
		}
		if s, ok = strings.CutPrefix(s, "]="); !ok {
			return nil, nil, false
		}
		if value, s, ok = unquote(s); !ok {
			return nil, nil, false
		}
		keys, values = append(keys, key), append(values, value)
	}
}

// unquote reads one quoted or bare word off the front of s.
func unquote(s string) (value, rest string, ok bool) {
	var out strings.Builder
	for s != "" {
		switch {
		case s[0] == '"':
			i := 1
			for ; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\\n", s[i+1]) >= 0 {
					i++
				}
				out.WriteByte(s[i])
			}
			if i >= len(s) {
				return "", "", false
			}
			s = s[i+1:]
		case s[0] == '\'':
			i := strings.IndexByte(s[1:], '\'')
			if i < 0 {
				return "", "", false
			}
			out.WriteString(s[1 : 1+i])
			s = s[i+2:]
		case strings.HasPrefix(s, "$'"):
			if s, ok = unquoteANSI(&out, s[2:]); !ok {
				return "", "", false
			}
		case s[0] == '\\' && len(s) > 1:
			out.WriteByte(s[1])
			s = s[2:]
		case strings.IndexByte(" )]\n", s[0]) >= 0:
			return out.String(), s, true
		default:
			out.WriteByte(s[0])
			s = s[1:]
		}
	}
	return out.String(), "", true
}

// ansiEscapes are the single-letter escapes of $'…'.
var ansiEscapes = [256]byte{'a': 7, 'b': 8, 'e': 27, 'E': 27, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11, '\\': '\\', '\'': '\'', '"': '"', '?': '?'}

// unquoteANSI reads the inside of $'…' up to and with its end.
func unquoteANSI(out *strings.Builder, s string) (rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		if s[i] == '\'' {
			return s[i+1:], true
		}
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		if c := ansiEscapes[s[i]]; c != 0 {
			out.WriteByte(c)
			continue
		}
		if s[i] >= '0' && s[i] <= '7' {
			j := i
			for j < len(s) && j < i+3 && s[j] >= '0' && s[j] <= '7' {
				j++
			}
			n, _ := strconv.ParseUint(s[i:j], 8, 16)
			out.WriteByte(byte(n))
			i = j - 1
			continue
		}
		return "", false // bash prints no others
	}
	return "", false
}

// parseAlias reads what `alias NAME` prints.
func parseAlias(name, text string) (body string, ok bool) {
	rest, ok := strings.CutPrefix(text, "alias "+name+"=")
	if !ok {
		return "", false
	}
	body, rest, ok = unquote(rest)
	return body, ok && rest == ""
}

// parseAliases reads what `alias -p` prints. ok is false where some of it
// cannot be read.
func parseAliases(text string) (aliases map[string]string, ok bool) {
	aliases = map[string]string{}
	for text != "" {
		rest, ok := strings.CutPrefix(text, "alias ")
		if !ok {
			return aliases, false
		}
		name, rest, ok := strings.Cut(strings.TrimPrefix(rest, "-- "), "=")
		if !ok {
			return aliases, false
		}
		body, rest, ok := unquote(rest)
		if !ok {
			return aliases, false
		}
		if text, ok = strings.CutPrefix(rest, "\n"); !ok {
			return aliases, false
		}
		aliases[name] = body
	}
	return aliases, true
}
