package command

// recorderSource is the program behind every name of the scratch root that is
// not real: it writes down that it was started, and how. Those whose work is to
// start another then do, as the real ones would on a machine where everything
// is allowed and every host is this one; whoami, hostname, uname and date print
// something. All others are silent and succeed, but for "no".
const recorderSource = `package main

import (
	"os"
	"os/exec"
	"path"
	"strings"
	"syscall"
)

// values are the options of a wrapper that take a word.
var values = map[string]string{"sudo": "CDghpRrTtUu", "doas": "uCa", "ssh": "BbcDEeFIiJLlmOopQRSWw", "watch": "nqs", "time": "fo", "su": "cgGsw", "screen": "cehpsStT", "script": "cEIOBmo", "sshpass": "pfdP", "setarch": ""}

// mutes are options with which nothing is started.
var mutes = map[string]string{"sudo": "elKVv", "ssh": "VGOQN", "screen": "xXrQ", "time": "V"}

func main() {
	name := path.Base(os.Args[0])
	dir, _ := os.Getwd()
	f, err := os.OpenFile("/log/starts", os.O_APPEND|os.O_WRONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		os.Exit(120)
	}
	f.WriteString(dir + "\x00" + strings.Join(os.Args, "\x00") + "\x00\xff\n")
	switch name {
	case "no":
		os.Exit(1)
	case "whoami":
		user := os.Getenv("STANDIN_USER")
		if user == "" {
			user = "ann"
		}
		os.Stdout.WriteString(user + "\n")
	case "hostname", "uname":
		os.Stdout.WriteString("printed-by-" + name + "\n")
	case "date":
		os.Stdout.WriteString("1234567890\n")
	}
	if _, ok := values[name]; ok {
		inner(name, os.Args[1:])
	}
}

// inner becomes what a wrapper starts, if it starts anything.
func inner(name string, args []string) {
	code, user, shell, plain := "", "root", false, false
	if name == "setarch" && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		args = args[1:]
	}
	read := func() {
		for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
			a := args[0]
			args = args[1:]
			if a == "--" {
				return
			}
			if strings.HasPrefix(a, "--") {
				k, v, has := strings.Cut(a, "=")
				for _, long := range []string{"--user", "--interval", "--command", "--session-command", "--group", "--chdir", "--format", "--output", "--shell"} {
					if k == long && !has && len(args) > 0 {
						v, args = args[0], args[1:]
					}
				}
				switch {
				case k == "--command" || k == "--session-command":
					code = v
				case k == "--user":
					user = v
				case k == "--help" || k == "--version" || k == "--list":
					os.Exit(0)
				}
				continue
			}
			for i := 1; i < len(a); i++ {
				if strings.IndexByte(mutes[name], a[i]) >= 0 {
					os.Exit(0)
				}
				if opt := a[i]; strings.IndexByte(values[name], opt) >= 0 {
					v := a[i+1:]
					if v == "" && len(args) > 0 {
						v, args = args[0], args[1:]
					}
					switch {
					case opt == 'c' && (name == "su" || name == "script"):
						code = v
					case opt == 'u' && name == "sudo":
						user = v
					}
					break
				}
				shell = shell || name == "sudo" && (a[i] == 's' || a[i] == 'i')
				plain = plain || name == "watch" && a[i] == 'x'
			}
		}
	}
	read()
	switch name {
	case "ssh":
		if len(args) == 0 {
			os.Exit(255)
		}
		args = args[1:]
		read()
		become("bash", "-c", strings.Join(args, " "))
	case "watch":
		if !plain {
			become("sh", "-c", strings.Join(args, " "))
		}
	case "su":
		for len(args) > 0 { // options may stand behind the user
			if !strings.HasPrefix(args[0], "-") || args[0] == "-" {
				args = args[1:]
				continue
			}
			read()
		}
		become("bash", "-c", code)
	case "script":
		for len(args) > 1 {
			args = args[1:]
			read()
		}
		become("sh", "-c", code)
	case "sudo", "doas":
		for len(args) > 0 && strings.Contains(args[0], "=") && !strings.Contains(args[0], "/") {
			k, v, _ := strings.Cut(args[0], "=")
			os.Setenv(k, v)
			args = args[1:]
		}
		os.Setenv("STANDIN_USER", user)
		if shell {
			become("bash", "-c", strings.Join(args, " "))
		}
	}
	become(args...)
}

func become(argv ...string) {
	if len(argv) == 0 || argv[len(argv)-1] == "" {
		os.Exit(0)
	}
	file, err := exec.LookPath(argv[0])
	if err != nil {
		os.Exit(127)
	}
	syscall.Exec(file, argv, os.Environ())
	os.Exit(126)
}
`
