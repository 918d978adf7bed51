package command

import (
	"strings"
	"testing"
)

// TestOtherCode holds what is seen in Lisp, PowerShell, Puppet, recipes and
// what is sent to a cloud's machines. Behind "⇒" stands what is started, with
// "@host" where it runs elsewhere.
func TestOtherCode(t *testing.T) {
	for _, row := range strings.Split(strings.TrimSpace(otherCodeRows), "\n") {
		line, want, ok := strings.Cut(row, " ⇒ ")
		if !ok {
			line, want = strings.TrimSuffix(row, " ⇒"), ""
		}
		l := Understand(strings.ReplaceAll(line, "¶", "\n"), Options{Shell: tableShell, Files: taskFiles})
		var got []string
		for _, a := range l.Actions {
			if len(a.Via) == 0 {
				continue
			}
			f := shownWords(a)
			for _, h := range a.Place.Names {
				f = append(f, "@"+show(h))
			}
			got = append(got, strings.Join(f, " "))
		}
		if g := strings.Join(got, " | "); g != want {
			t.Errorf("%s\n got: %s\nwant: %s", line, g, want)
		}
	}
}

var taskFiles = texts{of: map[string]string{
	"/srv/fabfile.py": "from fabric import task\n\n@task\ndef deploy(c):\n    c.run('uptime')\n\n@task\ndef wipe(c):\n    c.local('make clean')\n    d = '/usr'\n    c.sudo('rm -rf ' + d)\n\ndef quiet(c):\n    print('c.run(\"reboot\")')\n",
	"/srv/tasks.py":   "def wipe_all(ctx):\n    ctx.run('rm -rf /usr')\n",
	"/srv/x.el":       "(delete-directory \"/usr\" t)\n",
	"/srv/x.ps1":      "Remove-Item -Recurse -Force /usr\n",
	"/srv/cfg.py":     "import os\nos.system('rm -rf /usr')\n",
	"/srv/cfg.lua":    "os.execute('rm -rf /usr')\n",
	"/srv/quiet.py":   "print('rm -rf /usr')\n",
	"/srv/site.pp":    "file { '/usr': ensure => absent, force => true }\n",
}}

const otherCodeRows = `
emacs --batch --eval '(delete-directory "/etc" t)' ⇒ rm -r -- /etc
emacs --batch --eval '(delete-directory "/etc/x")' ⇒ rmdir -- /etc/x
emacs --batch -l x.el ⇒ rm -r -- /usr
emacs -Q --batch --eval '(progn (delete-file "/etc/passwd") (message "(delete-file 1)"))' ⇒ rm -f -- /etc/passwd
emacs --batch --eval '(call-process "rm" nil nil nil "-rf" "/etc")' ⇒ rm -rf /etc
emacs --batch --eval '(let ((d "/etc")) (delete-directory (expand-file-name "ssh" d) t))' ⇒ rm -r -- /etc/ssh
emacs --batch --eval '(write-region "" nil "/etc/fstab")' ⇒ >/etc/fstab
emacs --batch --eval '(delete-directory temporary-file-directory t)' ⇒ rm -r -- <…>
emacs --batch --eval '(message "rm -rf /") ; (delete-file "/etc/passwd")' ⇒
emacs --batch --eval '(dolist (f (list "/etc" "/usr")) (delete-directory f t))' ⇒ rm -r -- {/etc,/usr}
emacs --script /dev/stdin <<< '(delete-directory "/etc" t)' ⇒ rm -r -- /etc
guile -e main -c '(define (main a) (system "rm -rf /etc"))' ⇒ rm -rf /etc
bb '(babashka.fs/delete-tree "/usr")' ⇒ rm -rf -- /usr
emacsclient -e '(shell-command "reboot")' ⇒ reboot
guile -c '(system* "rm" "-rf" "/etc")' ⇒ rm -rf /etc
guile -c '(display "(system 1)")' ⇒
echo '(system "reboot")' | guile ⇒ reboot
racket -e '(require racket/file) (delete-directory/files "/etc")' ⇒ rm -rf -- /etc
sbcl --eval '(uiop:delete-directory-tree #P"/etc/" :validate t)' --quit ⇒ rm -rf -- /etc/
sbcl --eval '(uiop:run-program (list "rm" "-rf" "/etc") :output t)' ⇒ rm -rf /etc
bb -e '(shell/sh "rm" "-rf" "/etc")' ⇒ rm -rf /etc
clojure -e '(spit "/etc/passwd" "x")' ⇒ >/etc/passwd
pwsh -c 'Remove-Item -Recurse -Force /etc' ⇒ rm -rf -- /etc
pwsh -Command "Remove-Item -Path /usr,/opt -Recurse" ⇒ rm -rf -- /usr /opt
pwsh -c '$d = "/etc"; Remove-Item $d -r' ⇒ rm -rf -- /etc
pwsh -c 'Remove-Item -Recurse -WhatIf /etc' ⇒
pwsh -c '[System.IO.Directory]::Delete("/etc", $true)' ⇒ rm -rf -- /etc
pwsh -c '[IO.File]::Delete("/etc/passwd")' ⇒ rm -f -- /etc/passwd
pwsh -c 'Copy-Item ./passwd -Destination /etc/passwd' ⇒ cp -- ./passwd /etc/passwd
pwsh -c 'if (Test-Path /etc) { Remove-Item -Recurse /etc }' ⇒ rm -rf -- /etc
pwsh -c 'Write-Host "Remove-Item /etc -Recurse"' ⇒
pwsh -c 'Get-Process | Where-Object CPU -gt 10 # Stop-Computer' ⇒
pwsh -c 'Set-Content -Path /etc/passwd -Value ""' ⇒ >/etc/passwd
pwsh -c 'rm -rf /etc && reboot' ⇒ rm -rf /etc | reboot
pwsh x.ps1 ⇒ rm -rf -- /usr
echo 'Stop-Computer' | pwsh - ⇒ poweroff
puppet apply -e 'file { ["/etc/a", "/etc/b"]: ensure => absent }' ⇒ rm -f -- /etc/a | rm -f -- /etc/b
puppet apply -e 'file { "/etc": ensure => absent, force => true }' ⇒ rm -rf -- /etc
puppet apply -e 'exec { "x": command => "rm -rf /etc", path => "/bin"; "reboot": }' ⇒ rm -rf /etc | reboot
puppet apply site.pp ⇒ rm -rf -- /usr
puppet apply --noop site.pp ⇒
puppet apply -e 'package { "htop": ensure => installed } service { "nginx": ensure => running }' ⇒
chef-apply -e 'directory "/etc" do¶ recursive true¶ action :delete¶end' ⇒ rm -rf -- /etc
chef-apply -e 'execute "reboot"' ⇒ reboot
aws ssm send-command --instance-ids i-1 i-2 --parameters 'commands=["rm -rf /srv/x","reboot"]' ⇒ rm -rf /srv/x @i-1 @i-2 | reboot @i-1 @i-2
aws ssm send-command --targets Key=InstanceIds,Values=i-1 --parameters commands=reboot ⇒ reboot @i-1
aws --region r ssm send-command --targets Key=tag:e,Values=p --parameters '{"commands":["reboot"]}' ⇒ reboot @<Key=tag:e,Values=p>…
aws ssm get-parameter --name reboot ⇒
aws s3 ls ⇒
az vm run-command invoke -g rg -n vm1 --command-id RunShellScript --scripts 'rm -rf /srv/x' reboot ⇒ rm -rf /srv/x @vm1 | reboot @vm1
az vm list -g rg ⇒
kubectl debug node/n1 -it --image=busybox -- chroot /host rm -rf /etc ⇒ chroot / rm -rf </etc> @n1 | rm -rf /etc @n1
kubectl debug node/n1 -it --image=busybox -- rm -rf /host/etc ⇒ rm -rf /etc @n1
kubectl debug web-1 -it --image=busybox -- rm -rf /host/etc ⇒ rm -rf /host/etc @web-1
virt-customize -d web01 --run-command 'rm -rf /etc' ⇒ rm -rf /etc @web01
fab -H web1,web2 deploy ⇒ uptime @web1 @web2
fab -H u@web1 wipe ⇒ make clean | rm -rf /usr @web1
fab -H web1 -- sudo reboot ⇒ sudo reboot @web1 | reboot @web1
fab -H web1 quiet ⇒
fab --list ⇒
inv wipe-all ⇒ rm -rf /usr
python3 -c 'import base64;exec(base64.b64decode("aW1wb3J0IG9zO29zLnN5c3RlbSgicm0gLXJmIC9ldGMiKQ=="))' ⇒ rm -rf /etc
python3 -c 'exec(__import__("base64").b64decode("aW1wb3J0IG9zO29zLnN5c3RlbSgicm0gLXJmIC9ldGMiKQ==").decode())' ⇒ rm -rf /etc
python3 -c 'exec(bytes.fromhex("696d706f7274206f733b6f732e73797374656d28227265626f6f742229"))' ⇒ reboot
python3 -c 'import os; os.system("".join(["re","boot"]))' ⇒ reboot
python3 -c 'import os; os.system("toober"[::-1])' ⇒ reboot
perl -e 'eval "system(q(reboot))"' ⇒ reboot
perl -e 'my $x=join("","re","boot"); system $x' ⇒ reboot
perl -MMIME::Base64 -e 'system(decode_base64("cmVib290"))' ⇒ reboot
perl -e 'system pack("H*","7265626f6f74")' ⇒ reboot
ruby -e 'eval "system(%q(reboot))"' ⇒ reboot
ruby -rbase64 -e 'system Base64.decode64("cmVib290")' ⇒ reboot
ruby -e 'system ["7265626f6f74"].pack("H*")' ⇒ reboot
node -e 'require("child_process").execSync(Buffer.from("cmVib290","base64").toString())' ⇒ reboot
node -e 'eval(atob("cmVxdWlyZSgiY2hpbGRfcHJvY2VzcyIpLmV4ZWNTeW5jKCJyZWJvb3QiKQ=="))' ⇒ reboot
php -r 'eval(base64_decode("c3lzdGVtKCJyZWJvb3QiKTs="));' ⇒ reboot
php -r 'system(strrev("toober"));' ⇒ reboot
octave --eval 'system("reboot")' ⇒ reboot
octave-cli --eval "system ('rm -rf /var/lib')" ⇒ rm -rf /var/lib
octave --eval "rmdir('/etc','s')" ⇒ rm -rf -- /etc
coproc sh; echo reboot >&"${COPROC[1]}" ⇒ reboot
coproc S { bash; }; echo 'rm -rf /etc' >&${S[1]} ⇒ rm -rf /etc
python3 -c 'print("reboot")' | sh ⇒ reboot
perl -e 'print "rm -rf /etc\n"' | bash ⇒ rm -rf /etc
awk 'BEGIN{print "reboot"}' | sh ⇒ reboot
ruby -e 'puts "reboot"' | sh ⇒ reboot
node -e 'console.log("reboot")' | sh ⇒ reboot
php -r 'echo "reboot\n";' | sh ⇒ reboot
lua -e 'print("reboot")' | sh ⇒ reboot
$(python3 -c 'print("reboot")') ⇒ python3 -c print("reboot")
rm -rf $(python3 -c 'print("/etc")') ⇒ python3 -c print("/etc")
python3 -c 'print("/etc")' | xargs rm -rf ⇒ rm -rf /etc
python3 -c 'for d in ["/etc"]: print("rm -rf " + d)' | sh ⇒ rm -rf /etc
perl -le 'print "rm -rf $_" for ("/etc","/usr")' | sh ⇒ rm -rf /etc | rm -rf /usr
ls /etc | awk '{print "rm -rf /etc/" $1}' | sh ⇒ rm -rf /etc/<$1>…
eval "$(perl -e 'print q(reboot)')" ⇒ perl -e "print q(reboot)" | reboot
true /etc; rm -rf $_ ⇒
ls /etc && rm -rf "$_" ⇒
coproc bc; echo 1+1 >&"${COPROC[1]}"; read x <&"${COPROC[0]}" ⇒
coproc sh; echo 'ls /tmp' >&"${COPROC[1]}" ⇒ ls /tmp
python3 -c 'import base64;exec(base64.b64decode("cHJpbnQoMSk="))' ⇒
python3 -c 'import json,sys;print(json.load(sys.stdin)["x"])' < f ⇒
python3 -c 'print("rm -rf /etc")' ⇒
python3 -c 'print("rm -rf /etc")' > notes ⇒
perl -e 'print "reboot\n"' | grep boot ⇒
perl -ne 'print if /x/' f | sort ⇒
perl -lane 'print $F[0]' f | xargs ls -l ⇒ ls -l <…>…
ruby -ne 'puts $_' f ⇒
php -r 'echo "hi";' ⇒
node -p '1+1' ⇒
octave --eval 'system("date")' ⇒ date
octave --eval "x=[1 2]'; disp(x)" ⇒
perl -e 'eval { die "x" }; print $@' ⇒
perl -e 'print join(",", 1, 2), "\n"' ⇒
x=$(python3 -c 'print(1)'); echo $x ⇒ python3 -c print(1)
kill $(python3 -c 'print(12345)') ⇒ python3 -c print(12345)
mkdir -p build/x; cd $_ ⇒
awk '{print $1}' f | sort ⇒
awk '{print "ls " $1}' f | sh ⇒ ls <$1>…
echo 'syscmd(reboot)' | m4 ⇒ reboot
m4 <<< $'changequote([,])esyscmd([rm -rf /etc])' ⇒ rm -rf /etc
m4 <<< 'define(x, 1)x' ⇒
rpm --eval '%{lua:os.execute("reboot")}' ⇒ reboot
rpm -E '%{lua: posix.exec("/sbin/reboot")} %(date)' ⇒ date | /sbin/reboot
rpm --define 'x %(reboot)' --eval '%x' ⇒ reboot
rpm --eval '%{lua:print(1+1)}' ⇒
rpm -E %fedora ⇒
tcpdump -i eth0 -w /tmp/c -G 1 -W 1 -z reboot ⇒ reboot <capture>
tcpdump -i any -w /tmp/x.pcap -G 60 -W 5 -z gzip ⇒ gzip <capture>
tcpdump -r x.pcap ⇒
pwsh -EncodedCommand cgBlAGIAbwBvAHQA ⇒ reboot
pwsh -e RwBlAHQALQBEAGEAdABlAA== ⇒
python3 -c 'with open("quiet.py") as f: exec(f.read())' ⇒
python3 -c 'exec(open("cfg.py").read())' ⇒ rm -rf /usr
python3 -c 'import runpy; runpy.run_path("cfg.py")' ⇒ rm -rf /usr
lua -e 'dofile("cfg.lua")' ⇒ rm -rf /usr
python3 -c 'exec(open("nosuch.py").read())' ⇒
python3 -c 'import sys; sys.stdout.write("reboot")' | sh ⇒ reboot
perl -e 'print STDERR "reboot"' | sh ⇒
`
