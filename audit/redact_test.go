package audit

import (
	"slices"
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`mysql -uroot -phunter2 db`, `mysql -uroot -p[redacted] db`},
		{`mysql -u root -p db`, `mysql -u root -p db`},
		{`sudo mysqldump --password=hunter2 --all-databases > x`, `sudo mysqldump --password=[redacted] --all-databases > x`},
		{`mysql --password='hun ter2' db`, `mysql --password=[redacted] db`},
		{`curl -u ann:hunter2 https://x/`, `curl -u ann:[redacted] https://x/`},
		{`curl -uann:hunter2 https://x/`, `curl -uann:[redacted] https://x/`},
		{`curl --user "ann:hunter2" https://x/`, `curl --user "ann:[redacted]" https://x/`},
		{`curl -u ann https://x/`, `curl -u ann https://x/`},
		{`curl -H 'Authorization: Bearer abc.def' https://x/`, `curl -H 'Authorization: Bearer [redacted]' https://x/`},
		{`curl -H "X-Vault-Token: s.abc" https://x/`, `curl -H "X-Vault-Token: [redacted]" https://x/`},
		{`sshpass -p hunter2 ssh root@db`, `sshpass -p [redacted] ssh root@db`},
		{`sshpass -phunter2 ssh -p 2222 root@db`, `sshpass -p[redacted] ssh -p 2222 root@db`},
		{`PGPASSWORD=hunter2 psql -h db`, `PGPASSWORD=[redacted] psql -h db`},
		{`export API_TOKEN="abc def" && make`, `export API_TOKEN=[redacted] && make`},
		{`env AWS_SECRET_ACCESS_KEY=abc/def+x aws s3 ls`, `env AWS_SECRET_ACCESS_KEY=[redacted] aws s3 ls`},
		{`git clone https://ann:hunter2@git.example/x.git`, `git clone https://ann:[redacted]@git.example/x.git`},
		{`psql postgres://app:hunter2@db:5432/x`, `psql postgres://app:[redacted]@db:5432/x`},
		{`rsync -aP rsync://mirror.example:873/x .`, `rsync -aP rsync://mirror.example:873/x .`},
		{`docker login -u ann -p hunter2 reg.example`, `docker login -u ann -p [redacted] reg.example`},
		{`docker run -p 80:80 nginx`, ``},
		{`mysql -e "create user x identified by 'hunter2'"`, `mysql -e "create user x identified by [redacted]"`},
		{`curl -d '{"password": "hunter2"}' https://x/`, `curl -d '{"password": [redacted]}' https://x/`},
		{`curl 'https://x/?api_key=abc&n=1'`, `curl 'https://x/?api_key=[redacted]&n=1'`},
		{`vault login --token s.abc`, `vault login --token [redacted]`},
		{`echo x; ldapsearch -D cn=x -w hunter2 -b dc=x | grep -w uid`, `echo x; ldapsearch -D cn=x -w [redacted] -b dc=x | grep -w uid`},
		{`echo "root:hunter 2" | chpasswd`, `echo "root:[redacted]" | chpasswd`},
		{`echo root:hunter2 | sudo -n /usr/sbin/chpasswd -e`, `echo root:[redacted] | sudo -n /usr/sbin/chpasswd -e`},
		{`printf 'ann:a\nbob:b\n' | chpasswd`, `printf 'ann:[redacted]' | chpasswd`},
		{`echo hunter2 | passwd --stdin ann`, `echo [redacted] | passwd --stdin ann`},
		{`echo 'hun ter2' | sudo passwd ann --stdin`, `echo [redacted] | sudo passwd ann --stdin`},
		// No secret: stays as typed.
		{`echo "root:$PW" | chpasswd`, ``},
		{`grep a:b /etc/passwd | cut -d: -f1`, ``},
		{`rsync -aP /srv/lxc/lab/rootfs/ .`, ``},
		{`mkdir -p /srv/x && ssh -p 22 host`, ``},
		{`cp -p a b; ps -p 1; tar -xpf x`, ``},
		{`ssh-keygen -t ed25519 -f key`, ``},
		{`apt-key list; localectl set-keymap de`, ``},
		{`openssl rsa -in server.key -out x.pem`, ``},
		{`MONKEY=banana KEYMAP=de ./x`, ``},
		{`make TOKENIZER=bpe`, ``},
		{`mysql --password="$DBPASS" x`, ``},
		{`PGPASSWORD=$PW psql`, ``},
		{`git commit -m "rotate the password of the token service"`, ``},
		{`passwd ann`, ``},
		{`cd /etc && grep -r password .`, ``},
		{`journalctl -u ssh:x`, ``},
		{`ls -la`, ``},
		{``, ``},
	} {
		want := c.want
		if want == "" {
			want = c.in
		}
		if got := Redact(c.in); got != want {
			t.Errorf("Redact(%q)\n got %q\nwant %q", c.in, got, want)
		}
		if again := Redact(Redact(c.in)); again != Redact(c.in) {
			t.Errorf("Redact twice changes %q: %q", Redact(c.in), again)
		}
	}
}

func TestRedactArgv(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"curl|-u|ann:hunter2|x", "curl|-u|ann:[redacted]|x"},
		{"vault|--token|s.abc", "vault|--token|[redacted]"},
		{"sudo|mysql|-phunter2", "sudo|mysql|-p[redacted]"},
		{"env|DB_PASSWORD=a b|x", "env|DB_PASSWORD=[redacted]|x"},
		{"bash|-c|PGPASSWORD=x psql", "bash|-c|PGPASSWORD=[redacted] psql"},
		{"rm|-p|x y", "rm|-p|x y"},
	} {
		in := strings.Split(c.in, "|")
		keep := slices.Clone(in)
		if got := strings.Join(RedactArgv(in), "|"); got != c.want {
			t.Errorf("RedactArgv(%q) = %q, want %q", c.in, got, c.want)
		}
		if !slices.Equal(in, keep) {
			t.Errorf("RedactArgv changed its argument: %q", in)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("mysql -phunter2 'x")
	f.Add("a=\"\\\xff://:@")
	f.Fuzz(func(t *testing.T, s string) {
		if got := Redact(s); len(got) > len(s)*(len(hidden)+1)+len(hidden) {
			t.Errorf("Redact(%q) grew to %q", s, got)
		}
	})
}
