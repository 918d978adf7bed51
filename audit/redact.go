package audit

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// hidden stands where a secret was.
const hidden = "[redacted]"

// word is one shell word, quotes and escapes included, as far as a secret can
// reach: a value ends where the shell's word ends.
const word = `(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\;&|<>()])+`

// secretName is a name that holds a secret: DB_PASSWORD, api-key, PGPASSWORD,
// AWS_SECRET_ACCESS_KEY; not MONKEY, KEYMAP, TOKENIZER or --key-file.
const secretName = `(?:[A-Za-z0-9_.-]*[_.-])?(?:[A-Za-z0-9]*password|passwd|passphrase|pass|pwd|secret|token|api_?key|apikey|key|credentials?|authtoken)`

// A secret is found by the place where it stands, never by how it looks. In
// each pattern the group "s" is what goes. Patterns are compiled when they are
// first needed: every start of the shell would pay for them.
var secrets = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		// scheme://user:password@host
		regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://[^\s/:@'"]*:(?P<s>[^\s/@'"]+)@`),
		// Authorization: Bearer …, X-Api-Key: …, up to the end of the quoted text
		regexp.MustCompile(`(?i)(?:authorization|x-[a-z-]*(?:token|key|secret)|private-token|api-key|cookie)\s*:\s*(?:(?:basic|bearer|token|digest|negotiate)\s+)?(?P<s>[^\s'"][^'"\n]*)`),
		// NAME=value, --name=value, name: assignments of any spelling
		regexp.MustCompile(`(?i)(?:^|[\s;&|(,'"?{=-])` + secretName + `=(?P<s>` + word + `)`),
		// --password value
		regexp.MustCompile(`(?i)(?:^|\s)--?(?:[a-z0-9]+-)*(?:password|passwd|passphrase|secret|token|api-?key|secret-key|access-key)\s+(?P<s>[^\s;&|<>-]` + `(?:` + word + `)?)`),
		// identified by 'x', password 'x', set password for u = password('x') in SQL
		regexp.MustCompile(`(?i)\b(?:identified\s+(?:with\s+\S+\s+)?(?:by|as)|password(?:\s+for\s+\S+)?)(?:\s*=\s*(?:password)?|\s)\s*\(?(?P<s>'[^']*'|\\?"[^"]*")`),
		// what stands behind the name of a setting: aws configure set aws_secret_access_key x
		regexp.MustCompile(`(?i)\b(?:configure\s+set|config\s+set|setx)\s+` + secretName + `\s+(?P<s>` + word + `)`),
		// openssl -passin pass:x
		regexp.MustCompile(`(?i)\s-pass(?:in|out)?\s+pass:(?P<s>` + word + `)`),
		// "password": "x" in JSON
		regexp.MustCompile(`(?i)"` + secretName + `\\?"\s*:\s*(?P<s>\\?"(?:\\.|[^"\\])*\\?")`),
	}
})

// flagSecrets are short options that carry a password, by the program they
// belong to: -p alone means ports, parents and preserve nearly everywhere.
var flagSecrets = []struct {
	programs []string
	flag     string
	joined   bool   // -pSECRET
	apart    bool   // -p SECRET
	user     bool   // the value is user:secret
	verb     string // only behind this first argument
	once     bool   // what follows is another program's
}{
	{programs: []string{"mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlcheck", "mysqlshow", "mariadb", "mariadb-dump", "mariadb-admin", "mariadb-backup", "xtrabackup"}, flag: "-p", joined: true},
	{programs: []string{"sshpass"}, flag: "-p", joined: true, apart: true, once: true},
	{programs: []string{"docker", "podman", "skopeo", "buildah", "oc", "az"}, flag: "-p", apart: true, verb: "login"},
	{programs: []string{"curl"}, flag: "-u", joined: true, apart: true, user: true},
	{programs: []string{"curl"}, flag: "--user", apart: true, user: true},
	{programs: []string{"curl"}, flag: "--proxy-user", apart: true, user: true},
	{programs: []string{"curl"}, flag: "-U", joined: true, apart: true, user: true},
	{programs: []string{"ldapsearch", "ldapmodify", "ldapadd", "ldapdelete", "ldappasswd", "ldapwhoami"}, flag: "-w", joined: true, apart: true},
	{programs: []string{"redis-cli"}, flag: "-a", apart: true},
	{programs: []string{"smbclient", "mount.cifs", "rpcclient", "net"}, flag: "-U", joined: true, apart: true, user: true},
	{programs: []string{"ipmitool"}, flag: "-P", joined: true, apart: true},
	{programs: []string{"mongo", "mongosh", "mongodump", "mongorestore"}, flag: "-p", apart: true},
	{programs: []string{"zip", "unzip"}, flag: "-P", joined: true, apart: true},
	{programs: []string{"7z", "7za", "rar", "unrar"}, flag: "-p", joined: true},
	{programs: []string{"openssl"}, flag: "-k", apart: true},
	{programs: []string{"useradd", "usermod", "groupmod"}, flag: "-p", apart: true},
	{programs: []string{"ssh-keygen"}, flag: "-N", apart: true},
	{programs: []string{"ssh-keygen"}, flag: "-P", apart: true},
	{programs: []string{"nmcli", "mysqladmin", "ipmitool"}, flag: "password", apart: true},
	{programs: []string{"mariadb-admin"}, flag: "password", apart: true},
	{programs: []string{"lftp"}, flag: "-u", joined: true, apart: true, user: true},
	{programs: []string{"snmpwalk", "snmpget", "snmpset"}, flag: "-A", apart: true},
	{programs: []string{"snmpwalk", "snmpget", "snmpset"}, flag: "-X", apart: true},
}

var words = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(word) })

// Redact takes secrets out of a line before it is written: passwords on flags
// that are known to carry one, credentials in URLs and headers, assignments to
// names such as *_TOKEN. What is no secret stays as it was typed; a secret
// that stands where nothing says so stays too.
func Redact(line string) string {
	// Nearly every line holds none of these words, and the patterns are slow.
	low := strings.ToLower(line)
	if strings.Contains(low, "://") || containsAny(low, stems) {
		for _, re := range secrets() {
			line = hide(re, line)
		}
	}
	if mayFlag(low) {
		line = hideFlags(line)
	}
	if mayFeed(low) {
		line = hideFeeds(line)
	}
	return line
}

// stems are the words of which each pattern of secrets, assignments and flags
// needs one.
var stems = []string{"pass", "pwd", "secret", "token", "key", "credential", "authorization", "cookie", "identified"}

// mayFlag says whether a line can hold a program of flagSecrets.
func mayFlag(low string) bool {
	for i := range flagSecrets {
		if containsAny(low, flagSecrets[i].programs) {
			return true
		}
	}
	return false
}

func containsAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// redactArgv takes secrets out of an argument vector, as Redact does.
func redactArgv(argv []string) []string {
	if len(argv) == 0 {
		return argv
	}
	out := slices.Clone(argv)
	for i, a := range out {
		// The patterns are asked last: to compile them costs more than the
		// rest of a short session's start.
		if strings.Contains(a, "=") && containsAny(strings.ToLower(a), stems) && (i == 0 || !shellCode(out[i-1])) {
			if m := assignment().FindStringSubmatchIndex(a); m != nil && !named(a[m[2]:m[3]]) {
				out[i] = a[:m[2]] + hidden
				continue
			}
		}
		out[i] = Redact(a)
	}
	for i := 1; i < len(out); i++ {
		if f := out[i-1]; strings.HasPrefix(f, "-") && containsAny(strings.ToLower(f), stems) &&
			secretFlag().MatchString(f) && !strings.HasPrefix(out[i], "-") {
			out[i] = hidden
		}
	}
	// The programs' own flags: the name may stand behind wrappers (sudo, env).
	for i, a := range out {
		hideProgram(base(a), out[i+1:])
	}
	return out
}

// assignment is a whole argument; its value reaches to the end.
var assignment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?is)^(?:--?)?` + secretName + `=(.+)$`) })

// shellCode reports the option whose value is a line, not one word: bash -c, -lc.
func shellCode(a string) bool {
	letters, ok := strings.CutPrefix(a, "-")
	return ok && strings.HasSuffix(letters, "c") && strings.Trim(letters, "abcdefghijklmnopqrstuvwxyz") == ""
}

var secretFlag = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^--?(?:[a-z0-9]+-)*(?:password|passwd|passphrase|secret|token|api-?key|secret-key|access-key)$`)
})

// hide replaces the group s of each match. A value that only names where the
// secret is ($VAR, $(cmd), a file) stays: it says more than it gives away.
func hide(re *regexp.Regexp, line string) string {
	at := re.SubexpIndex("s")
	var b strings.Builder
	from := 0
	for _, m := range re.FindAllStringSubmatchIndex(line, -1) {
		s, e := m[2*at], m[2*at+1]
		if s < from || s < 0 || named(line[s:e]) {
			continue
		}
		b.WriteString(line[from:s])
		b.WriteString(hidden)
		from = e
	}
	if from == 0 {
		return line
	}
	b.WriteString(line[from:])
	return b.String()
}

// named reports whether a value is a reference and not the secret itself.
func named(v string) bool {
	v = strings.Trim(v, `"`)
	return v == "" || v == "''" || v == hidden || reference().MatchString(v)
}

var reference = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:\$\w+|\$\{\w+\}|\$|<.*|@.*|\*+)$`) })

// hideFlags redacts the short options of flagSecrets, wherever in the line the
// program's name stands.
func hideFlags(line string) string {
	spans := words().FindAllStringIndex(line, -1)
	argv := make([]string, len(spans))
	for i, s := range spans {
		argv[i] = line[s[0]:s[1]]
	}
	changed := false
	for i := range argv {
		end := i + 1
		for end < len(argv) && !strings.ContainsAny(line[spans[end-1][1]:spans[end][0]], ";&|\n()") {
			end++
		}
		changed = hideProgram(base(argv[i]), argv[i+1:end]) || changed
	}
	if !changed {
		return line
	}
	var b strings.Builder
	from := 0
	for i, s := range spans {
		b.WriteString(line[from:s[0]])
		b.WriteString(argv[i])
		from = s[1]
	}
	b.WriteString(line[from:])
	return b.String()
}

// hideProgram redacts the arguments of one program in place.
func hideProgram(program string, args []string) bool {
	changed := false
	for _, f := range flagSecrets {
		if !slices.Contains(f.programs, program) || f.verb != "" && !slices.Contains(args[:min(1, len(args))], f.verb) {
			continue
		}
		for i, a := range args {
			switch {
			case a == f.flag && f.apart && i+1 < len(args):
				changed = hideValue(&args[i+1], "", f.user) || changed
			case f.joined && strings.HasPrefix(a, f.flag) && len(a) > len(f.flag) && !strings.HasPrefix(a, "--"):
				changed = hideValue(&args[i], f.flag, f.user) || changed
			default:
				continue
			}
			if f.once {
				break
			}
		}
	}
	return changed
}

func hideValue(arg *string, flag string, user bool) bool {
	v := strings.TrimPrefix(*arg, flag)
	if user {
		name, secret, ok := strings.Cut(v, ":")
		if !ok {
			name, secret, ok = strings.Cut(v, "%") // smbclient -U user%secret
		}
		if !ok || named(secret) {
			return false
		}
		quote := ""
		if strings.HasPrefix(v, `"`) || strings.HasPrefix(v, `'`) {
			quote = v[:1]
		}
		*arg = flag + name + v[len(name):len(name)+1] + hidden + quote
		return true
	}
	if named(v) {
		return false
	}
	*arg = flag + hidden
	return true
}

func base(s string) string {
	s = strings.Trim(s, `'"\`)
	return s[strings.LastIndexByte(s, '/')+1:]
}

// beyondText is what is looked at behind the text that is kept: a password in an
// address is known by what follows it.
const beyondText = 64 << 10

func redactEvent(e *Event) {
	if more := len(e.Text) - maxText - beyondText; more > 0 {
		e.TextCut += int64(more)
		e.Text = e.Text[:maxText+beyondText]
	}
	e.Text = Redact(e.Text)
	e.Argv = redactArgv(e.Argv)
	for i := range e.Findings {
		f := &e.Findings[i]
		f.Object, f.Summary, f.Hint = Redact(f.Object), Redact(f.Summary), Redact(f.Hint)
	}
}
