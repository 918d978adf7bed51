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
		{`printf 'ann:a\nbob:b\n' | chpasswd`, `printf 'ann:[redacted]\nbob:[redacted]\n' | chpasswd`},
		{`echo hunter2 | passwd --stdin ann`, `echo [redacted] | passwd --stdin ann`},
		{`echo 'hun ter2' | sudo passwd ann --stdin`, `echo [redacted] | sudo passwd ann --stdin`},
		// what a program that reads a secret is fed
		{`passwd --stdin ann <<< hunter2`, `passwd --stdin ann <<< [redacted]`},
		{`sudo passwd --stdin ann <<<"hun ter2"; ls`, `sudo passwd --stdin ann <<<[redacted]; ls`},
		{`chpasswd <<< 'ann:hunter2'`, `chpasswd <<< 'ann:[redacted]'`},
		{`chpasswd <<< "ann:$PW"`, ``},
		{"chpasswd <<E\nann:a\nbob:b c\nE\nls", "chpasswd <<E\nann:[redacted]\nbob:[redacted]\nE\nls"},
		{"sudo -u root chpasswd -e <<-'E' && id\n\tann:a\n\tE", "sudo -u root chpasswd -e <<-'E' && id\n\tann:[redacted]\n\tE"},
		{"cat <<E | chpasswd\nann:a\nE", "cat <<E | chpasswd\nann:[redacted]\nE"},
		{`(echo hunter2; echo hunter2) | smbpasswd -s -a ann`, `(echo [redacted]; echo [redacted]) | smbpasswd -s -a ann`},
		{`{ echo a1; echo a1; } | passwd ann && echo done`, `{ echo [redacted]; echo [redacted]; } | passwd ann && echo done`},
		{`echo -e "hunter2\nhunter2" | passwd ann`, `echo -e [redacted] | passwd ann`},
		{`printf '%s\n' hunter2 | sudo -S apt update`, `printf '%s\n' [redacted] | sudo -S apt update`},
		{`echo -n hunter2 | cryptsetup luksOpen /dev/sdb1 x -`, `echo -n [redacted] | cryptsetup luksOpen /dev/sdb1 x -`},
		{`echo hunter2 | docker login -u ann --password-stdin reg.example`, `echo [redacted] | docker login -u ann --password-stdin reg.example`},
		{`gh auth login --with-token <<< ghp_x`, `gh auth login --with-token <<< [redacted]`},
		{`gpg --batch --passphrase-fd 0 -d x.gpg <<< hunter2`, `gpg --batch --passphrase-fd 0 -d x.gpg <<< [redacted]`},
		{`openssl enc -aes256 -pass stdin -in a <<< hunter2`, `openssl enc -aes256 -pass stdin -in a <<< [redacted]`},
		{`openssl rsa -in a -passin pass:hunter2`, `openssl rsa -in a -passin pass:[redacted]`},
		{`kinit ann <<< hunter2`, `kinit ann <<< [redacted]`},
		{`timeout 5 passwd ann <<< hunter2`, `timeout 5 passwd ann <<< [redacted]`},
		{`mysql <<< "CREATE USER x IDENTIFIED BY 'hunter2'"`, `mysql <<< "CREATE USER x IDENTIFIED BY [redacted]"`},
		{`mysql -e "SET PASSWORD FOR x = PASSWORD('hunter2')"`, `mysql -e "SET PASSWORD FOR x = PASSWORD([redacted])"`},
		{"psql <<E\nALTER ROLE x PASSWORD 'hunter2';\nE", "psql <<E\nALTER ROLE x PASSWORD [redacted];\nE"},
		{`kubectl create secret generic x --from-literal=password=hunter2`, `kubectl create secret generic x --from-literal=password=[redacted]`},
		{`aws configure set aws_secret_access_key abc/def`, `aws configure set aws_secret_access_key [redacted]`},
		{`usermod -p '$6$x' ann`, `usermod -p [redacted] ann`},
		{`ssh-keygen -t ed25519 -N hunter2 -f key`, `ssh-keygen -t ed25519 -N [redacted] -f key`},
		{`ssh-keygen -t ed25519 -N '' -f key`, ``},
		{`nmcli dev wifi connect X password hunter2`, `nmcli dev wifi connect X password [redacted]`},
		{"chpasswd <<E\nann:hunter2", "chpasswd <<E\nann:[redacted]"}, // bash takes the end of the text for the document's
		{"passwd --stdin ann <<E\nhunter2", "passwd --stdin ann <<E\n[redacted]"},
		{`chpasswd < <(echo ann:hunter2) && echo done`, `chpasswd < <(echo ann:[redacted]) && echo done`},
		{`cat x | passwd --stdin ann 2>&1 < <(printf '%s' hunter2; echo a) | cat`, `cat x | passwd --stdin ann 2>&1 < <(printf '%s' [redacted]; echo [redacted]) | cat`},
		// No secret: stays as typed.
		{`diff <(echo passwd) <(getent passwd ann); cat < <(echo passwd)`, ``},
		{`grep ann /etc/passwd <<< x; echo x | grep passwd`, ``},
		{`echo hello | tee /etc/passwd-notes`, ``},
		{`sudo tee /etc/passwd <<< x`, ``},
		{`getent passwd ann | cut -d: -f1`, ``},
		{`sudo apt update <<< y`, ``},
		{"cat > x <<E\npasswd is a program\nE", ``},
		{`echo hi; passwd ann`, ``},
		{`ls | sudo xargs -n1 passwd -S`, ``},
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
		if got := strings.Join(redactArgv(in), "|"); got != c.want {
			t.Errorf("redactArgv(%q) = %q, want %q", c.in, got, c.want)
		}
		if !slices.Equal(in, keep) {
			t.Errorf("redactArgv changed its argument: %q", in)
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
