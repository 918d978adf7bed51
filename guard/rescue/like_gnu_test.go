package rescue

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// referee lines are run by the real bash with the real tools, and by this
// shell, in two directories that are alike: output, status and all that is
// there afterwards have to be the same. They name nothing outside.
var referee = []string{
	`ls`, `ls -a d`, `ls -1R`, `ls d link`, `ls -d d link`, `ls -F nothing; echo $?`,
	`cat a d/b`, `cat -n a`, `cat missing a; echo $?`, `echo x | cat a - d/b`,
	`head -n 2 long`, `head -2 long`, `head -c 5 long`, `tail -n 3 long`, `tail -n +48 long`, `tail -2 long`,
	`grep 1 long`, `grep -c 1 long`, `grep -v 1 long | head -3`, `grep -n '^4[0-3]$' long`, `grep -E '^(7|8)$' long`, `grep '^\(7\|8\)$' long`,
	`grep -q nothing long; echo $?`, `grep -i ALPHA a`, `grep -w 4 long`, `grep -rl alpha d a | sort`, `grep -o 'l.h' a`, `grep -F . a; echo $?`,
	`grep 'a(b' a; echo $?`, `grep x missing; echo $?`,
	`wc -l long`, `wc -c a d/b`, `wc a long`, `wc -c < long`, `sort -rn long | head -2`, `printf 'b\na\nb\n' | sort -u`,
	`mkdir x y`, `mkdir d; echo $?`, `mkdir -p d/e/f x/y`, `mkdir -m 700 x; stat -c %a x`, `rmdir d; echo $?`, `rmdir empty`, `mkdir -p q/r; rmdir -p q/r`,
	`cp a x; cat x`, `cp a d/; ls d`, `cp d x; echo $?`, `cp -r d x; find x | sort`, `cp -r d/. x 2>/dev/null; echo $?`, `mkdir x; cp -r d/. x; find x | sort`,
	`cp -a d link x; echo $?`, `mkdir x; cp -a d link hard1 hard2 x; stat -c '%n %F %h %a' x/* | sort`, `cp -a script x; stat -c '%a %Y' x script`,
	`cp link x; stat -c %F x`, `cp -P link x; stat -c %F x`, `cp -rL d x; find x -type l`, `cp -n a d/b; cat d/b`, `cp a a; echo $?`, `cp a d/b empty; ls empty`,
	`cp -T a x; cat x`, `cp -t empty a long; ls empty`, `cp a missing/x; echo $?`, `cp -a sparse x; stat -c '%s %b' x`,
	`mv a x; ls`, `mv a d; ls d`, `mv d x; ls x`, `mv a long empty; ls empty`, `mv -n a d/b; cat d/b`, `mv a a; echo $?`, `mv missing x; echo $?`, `mv d/ x; ls x`, `mv -T d empty; ls empty`,
	`rm a; ls`, `rm d; echo $?`, `rm -r d; ls`, `rm -f missing; echo $?`, `rm missing; echo $?`, `rm link; cat a`, `rm -rf d empty a; ls`, `rm -d empty`, `rm -- -odd; ls`,
	`ln a x; stat -c %h a`, `ln -s a x; readlink x`, `ln -s a link; echo $?`, `ln -sf d/b link; readlink link`, `ln -sfn empty dirlink; readlink dirlink`, `ln -s ../a d/up; cat d/up`, `ln -sf a d; readlink d/a`,
	`chmod 600 a; stat -c %a a`, `chmod u+x,go-r a; stat -c %a a`, `chmod -R go-rwx d; stat -c '%n %a' d d/b`, `chmod a=rX d a; stat -c '%a' d a`, `chmod g=u a; stat -c %a a`, `chmod u+s script; stat -c %a script`,
	`chmod 4755 script; stat -c %a script`, `chmod +t d; stat -c %a d`, `chmod -x script; stat -c %a script`, `chmod 755 missing; echo $?`, `chmod --reference=script a; stat -c %a a`, `chmod zz a; echo $?`, `umask 027; touch x; mkdir y; chmod +w a; stat -c %a x y a`,
	`touch x; stat -c %s x`, `touch -c x; ls x; echo $?`, `touch -d '2020-01-02 03:04:05' a; stat -c %Y a`, `touch -r script a; stat -c %Y a`,
	`find . -name '*o*' | sort`, `find d -type f`, `find . -maxdepth 1 -type d | sort`, `find . -type l -o -name a | sort`, `find . ! -type d -size +0 | sort`, `find d -name b -exec cat {} \;`, `find d -type f -exec echo {} +`,
	`find . -empty | sort`, `find d -name b -delete; ls d`, `find . -path ./d -prune -o -type f -print | sort`, `find . -newer script -name a`, `find . -perm -100 -type f`, `find -links 2 | sort`, `find missing; echo $?`,
	`find . -name '*1' -print0 | xargs -0 echo`, `printf 'a b\nc' | xargs -n 1 echo`, `echo "'x y' z" | xargs -n1 echo`, `printf 'one two\n' | xargs -I % echo '[%]'`, `echo a | xargs cat`,
	`tar cf t.tar d link hard1 hard2; tar tf t.tar | sort; mkdir x; tar xf t.tar -C x; find x | sort; stat -c '%a %h' x/hard1; readlink x/link`,
	`tar czf t.tgz -C d b; tar xzf t.tgz; cat b`, `tar cf - d | tar tf -`, `mkdir x; tar cf - d a | tar -x -f - -C x; find x | sort`, `tar cf t.tar d; mkdir x; tar xpf t.tar -C x --strip-components=1; find x | sort`,
	`gzip -k a; gunzip -c a.gz`, `gzip a; ls; gunzip a.gz; cat a`, `gzip < a | zcat`,
	`rm -v a link; rm -rv d`, `rm -rfv d/e empty`, `rm d/e a; echo $?`, `rm dirlink/; echo $?`, `rm -r .; echo $?`, `rm -r d/..; echo $?`, `rm -rf ''; echo $?`, `rm ''; echo $?`, `rm -q a; echo $?`, `rm --recu d; ls`, `rm --force missing; echo $?`, `printf 'y\nn\n' | rm -i a long; ls`, `printf 'y\ny\nn\nn\n' | rm -ri d; ls d`, `echo n | rm -I a link long script; ls`, `echo y | rm -rI d; ls`, `rm -fi a < /dev/null; ls a`, `rm -if a; ls`, `rm a/; echo $?`, `rm a/x; echo $?`, `rm -f a/x; echo $?`, `rm -d d; echo $?`, `rm -rf -- -odd; ls`, `rm -f -odd; echo $?`,
	`mkdir -v x x/y`, `mkdir -pv x/y/z d`, `mkdir a/x; echo $?`, `mkdir missing/x; echo $?`, `mkdir -p a/x; echo $?`, `mkdir -p a; echo $?`, `mkdir -m u=rwx,go= -p x/y; stat -c %a x x/y`, `mkdir; echo $?`, `rmdir -v empty`, `rmdir -p empty/ d; echo $?`, `rmdir missing a; echo $?`,
	`cp -v a x; cp -rv d y | sort`, `cp -av d x | sort; cp -av d x | sort; find x | sort`, `cp a d long; echo $?`, `cp a long missing; echo $?`, `cp missing x; echo $?`, `cp d a; echo $?`, `cp -r d a; echo $?`, `cp a d/e/; ls d/e`, `cp a missing/; echo $?`, `cp -r d d/x; echo $?`, `cp -r d d; echo $?`, `cp a; echo $?`, `cp -t missing a; echo $?`, `cp -t a long; echo $?`, `cp a d/dangling; echo $?`, `cp -f a d/dangling; ls d`, `cp --no-preserve=mode script x; stat -c %a x`, `cp --preserve=mode,timestamps script x; stat -c '%a %Y' x`, `cp -p script x; stat -c '%a %Y' x`, `cp --preserve script x; stat -c '%a %Y' x`,
	`echo n | cp -i a long; head -1 long`, `echo y | cp -i a long; cat long`, `cp -n a long; head -1 long`, `cp -u script a; cat a`, `cp -u a script; cat script`, `cp -l a x; stat -c %h a x`, `cp -al d x; find x | sort; stat -c %h d/b`, `cp -s 2>/dev/null; echo $?`, `cp a long d; ls d`, `cp a ./a d; echo $?; ls d`, `cp -aT d x; cp -aT d x; find x | sort`, `cp -r d/dangling x; readlink x`, `cp -L link x; stat -c %F x`, `cp -d link hard1 hard2 empty; ls -1 empty; stat -c %h empty/hard1`, `cp -rP link d/dangling empty; readlink empty/link empty/dangling`, `mkdir x; cp -a a x/link; cp -a link x/; readlink x/link`, `cp -a a dirlink; ls d`, `cp -a d dirlink; ls d`,
	`cp -a --sparse=always sparse x; stat -c '%s %b' x`, `mkfifo f; cp -a f x; stat -c %F x`, `chmod 4755 script; cp -a script x; cp script y; stat -c %a x y`, `chown 12:34 a; cp -a a x; cp a y; stat -c '%u %g' x y`, `touch -h -d 2001-02-03 link; cp -a link x; stat -c %Y x`, `mkdir -m 500 x; touch -d 2001-02-03 x; cp -a x y; stat -c '%a %Y' y`,
	`mv -v a x; mv -v d y`, `mv a long d; ls d`, `mv a long x; echo $?`, `mv a missing/x; echo $?`, `mv d d/e; echo $?`, `mv d d; echo $?`, `mv d a; echo $?`, `mv a d/e; ls d/e`, `mkdir d/a; mv a d; echo $?`, `mkdir -p x/d/y; mv d x; echo $?`, `mkdir -p x/d; mv d x; ls x/d`, `mv a/ x; echo $?`, `mv dirlink/ x; ls x; echo $?`, `mv -u script a; cat a`, `echo n | mv -i a long; ls`, `mv -f a long; cat long`, `mv -t d a long; ls d`, `mv hard1 hard2; ls; echo $?`, `mv a; echo $?`, `mv; echo $?`, `mv link x; readlink x`, `mv -n a long; ls; echo $?`,
	`ln -v a x; ln -sv a y`, `ln -sv ../a d; readlink d/a`, `ln a a; echo $?`, `ln missing x; echo $?`, `ln d x; echo $?`, `ln a link; echo $?`, `ln -f a long; stat -c %h a`, `ln -s a long x; echo $?`, `ln -s x missing/y; echo $?`, `ln -sr a d/x; readlink d/x; ln -sr d/b x; readlink x`, `ln -sf a a; echo $?`, `ln -sfn d dirlink; ls; readlink dirlink`, `ln -sT a d; echo $?`, `ln -snf missing dirlink; readlink dirlink`, `ln -s /x/y; readlink y`, `ln link x; stat -c %F x`, `ln -L link x; stat -c %F x`, `ln -t d a long; ls d`, `ln -sf a d; readlink d/a; ln -sfT a d; echo $?`,
	`chmod -v 600 a; chmod -v 600 a`, `chmod -c u+x a long; chmod -c u+x a`, `chmod -Rv go= d`, `chmod -f 600 missing; echo $?`, `chmod 600 d/dangling; echo $?`, `chmod 600; echo $?`, `chmod u=rwx,g=rx,o= a; stat -c %a a`, `chmod =r a; stat -c %a a`, `chmod a+X a script d; stat -c %a a script d`, `chmod 1777 d; chmod g+s d; chmod 755 d; stat -c %a d; chmod 00755 d; stat -c %a d`, `chmod o=u-w a; stat -c %a a`, `chmod +x,-w a; stat -c %a a`, `chmod u+rwxs,o-t script; stat -c %a script`, `chmod 8 a; echo $?`, `chmod -- -r a; stat -c %a a`, `chmod -rw a; echo $?; stat -c %a a`, `chmod -R 700 dirlink; stat -c %a d d/b`, `chmod 640 link; stat -c %a a`,
	`chown -v 12 a; chown -v 12 a; stat -c %u a`, `chown 12:34 a; stat -c '%u %g' a`, `chown :34 a; stat -c '%u %g' a`, `chown root: a; stat -c '%u %g' a`, `chown -h 12 link; stat -c '%n %u' a link`, `chown 12 link; stat -c '%n %u' a link`, `chown -R 12:34 d; stat -c '%n %u %g' d d/b d/dangling`, `chown 12 missing; echo $?`, `chown nobodyatall a 2>/dev/null; echo $?`, `chgrp 34 a; stat -c %g a`, `chgrp -v 34 a`, `chown --reference=script a; stat -c '%u %g' a`, `chown -c 12:34 a; chown -c :35 a`, `chown 12; echo $?`, `chown 12 d/dangling; echo $?`,
	`ls -F`, `ls -p d`, `ls -lo --full-time script | cut -c1-15`, `ls -ln script`, `ls -l script d/dangling`, `ls -lg script`, `ls -sh sparse`, `ls -lS script sparse a`, `ls -lt script | wc -l`, `ls -ltr script`, `ls -d . .. /`, `ls -lad script`, `ls missing a missing2; echo $?`, `ls -l d | sed 's/ [A-Z][a-z][a-z] .*:../ T/'`, `ls -lR d | grep -c :`, `ls -i a | wc -w`, `ls -lh sparse | cut -d' ' -f5`, `ls -A d; ls -a empty`, `ls dirlink; ls -d dirlink; ls -l dirlink/ | wc -l`, `ls d a empty long`, `ls -1F d`, `ls -t script a | tail -1`, `ls -L d/dangling; echo $?`, `ls -lL link | cut -c1`, `cd d/e; ls; ls -l`, `ls -q; echo $?`,
	`stat a | head -2 | cut -c1-60 | head -1`, `stat script | sed '/node/d;/Change/d;/Birth/d;/^Access: 2/d'`, `stat -c '%N %n' link a`, `stat -c '%a %A %U %G %y' script`, `stat missing; echo $?`, `stat -L -c %F link`, `stat -c '%F' empty sparse -- -odd`,
	`readlink a; echo $?`, `readlink missing; echo $?`, `readlink -f d/dangling | sed 's/.*\///'`, `readlink -e d/dangling; echo $?`, `readlink -n link; echo`, `realpath d/../a | sed 's/.*\///'`, `realpath missing/x 2>&1 | sed 's/.*: //'`, `readlink -f missing | sed 's/.*\///'`, `readlink -f missing/x; echo $?`,
	`head -n 1 a long`, `head missing a; echo $?`, `head d; echo $?`, `tail -n 1 a long`, `tail missing; echo $?`, `tail -c 5 long`, `head -n -48 long`, `tail -c +139 long`, `cat d; echo $?`, `cat -A a`, `wc missing a; echo $?`, `wc d; echo $?`, `sort missing; echo $?`, `tee d < a; echo $?`, `grep x d; echo $?`, `sort d; echo $?`,
	`cut -c1-3 a`, `cut -d: -f2,4- <<< 'a:b:c:d:e'`, `cut -f1 a`, `cut -sf1 a`, `printf 'x\ty\n' | cut -f2`, `cut -b 2 long | head -12`, `cut a 2>/dev/null; echo $?`,
	`tr a-z A-Z < a`, `tr -d '\n' < long`, `tr -s 'l' < a`, `tr '[:lower:]' '[:upper:]' < a`, `tr -cd '0-9\n' < long | head -2`, `echo aabbcc | tr -s 'a-c' 'x-z'`, `printf 'a\0b' | tr '\0' '\n'`, `echo a-b | tr - _`, `tr a 2>/dev/null; echo $?`,
	`tac long | head -2`, `seq 3`, `seq 2 2 7`, `seq 5 -2 0`, `seq 3 1`, `printf 'a\na\nb\na\n' | uniq`, `printf 'a\na\nb\n' | uniq -c`, `printf 'a\na\nb\n' | uniq -d; printf 'a\na\nb\n' | uniq -u`, `printf 'A\na\n' | uniq -i`, `sort long | uniq | wc -l`,
	`diff -u a a; echo $?`, `diff -q a long; echo $?`, `diff -u a d/b | grep '^[-+][a-z]'`, `diff -u a d/b > x; echo $?; rm x`, `cp -a d x; echo new > x/n; echo c > x/b; diff -rq d x; echo $?`, `diff a missing; echo $?`, `head -49 long | diff -u long - | tail -1`, `diff -r d empty; echo $?`, `diff -q sparse long`,
	`dd if=long of=x bs=10 count=2; cat x`, `dd if=long of=x bs=7 skip=3 2>/dev/null; cat x`, `dd if=a of=x bs=1 seek=4 2>/dev/null; stat -c %s x`, `dd if=a of=long conv=notrunc 2>/dev/null; head -c 12 long`, `dd if=a of=long bs=2 seek=3 count=1 conv=notrunc status=none; head -c 12 long`, `dd if=a of=long bs=2 seek=3 count=1 status=none; cat long`, `dd if=missing of=x; echo $?`, `dd if=a of=missing/x; echo $?`, `dd if=a bs=0 2>/dev/null; echo $?`, `dd if=a of=x foo=1 2>/dev/null; echo $?`,
	`dd if=long bs=64 count=1 ibs=64 obs=10 of=x status=noxfer`, `dd if=long ibs=10 obs=30 of=x status=noxfer; cmp long x`, `dd if=a bs=4 conv=sync status=none | wc -c`, `dd if=long of=x bs=1K status=noxfer`, `dd if=/dev/zero of=x bs=1M count=0 seek=3 status=none; stat -c %s x`, `cat long | dd bs=50 iflag=fullblock count=1 status=none | wc -c`, `dd if=long of=x bs=2x5 count=3 status=none; wc -c x`, `dd if=long of=x skip=100 iflag=skip_bytes count=10 oflag=seek_bytes status=none; tail -c 9 x`, `dd if=sparse of=x conv=sparse bs=64k status=none; stat -c '%s %b' x`, `dd if=long of=x conv=excl status=none; dd if=long of=x conv=excl; echo $?`, `dd if=a status=none`, `dd < a status=none`,
	`truncate -s 3 a; cat a`, `truncate -s +3 a; stat -c %s a`, `truncate -s -2 a; cat a`, `truncate -s 1M x; stat -c %s x`, `truncate -c -s 1 x; ls x; echo $?`, `truncate -s x a; echo $?`,
	`mkfifo f g; stat -c %F f g`, `mkfifo a; echo $?`, `mknod f p; stat -c %F f`, `mknod n c 1 3; stat -c '%F %t %T' n`, `mknod -m 600 n b 7 0; stat -c %a n`, `mknod a p; echo $?`, `mknod n c 1 3; cp -a n x; stat -c '%F %t:%T' x; ls -l n | cut -c1-33`,
	`sha1sum a; sha512sum a`, `sha256sum a long > s; sha256sum -c s`, `md5sum a long > s; echo x > a; md5sum -c s; echo $?`, `md5sum a > s; rm a; md5sum -c s; echo $?`, `md5sum a > s; md5sum --quiet -c s`, `sha256sum missing; echo $?`,
	`mountpoint empty; echo $?`, `mountpoint /proc`, `mountpoint missing; echo $?`, `mountpoint -q /; echo $?`,
	`lsattr -d d; lsattr a`, `chattr +i a; rm -f a; echo $?; lsattr a; chattr -i a; rm a; ls a`, `chattr +a a; echo x >> a; echo y > a; echo $?; chattr -a a; cat a`, `rm d/dangling; chattr -R +A d; lsattr -R d`, `chattr +q a 2>/dev/null; echo $?`, `lsattr missing 2>&1; echo $?`, `lsattr link 2>/dev/null; echo $?`,
	`pgrep -x nothing_is_this; echo $?`, `killall nothing_is_this; echo $?`, `pkill nothing_is_this; echo $?`, `fuser missing; echo $?`,
	`printf '%s\n' p n 1n '$p' 3,5p '/7/' + - . 10 = .= q | ed -s long; echo $?`, `printf '%s\n' 9a q1 . 1i z . 5c w . ,n w q | ed -s a; cat a; echo $?`, `printf '%s\n' 3d 1,2d '$d' ,p w q | ed -s long | head -3; wc -l long`, `printf '%s\n' 's/alp/x&y/' p 's/a/b/gp' 's/nothing/x/' w q | ed -s a; cat a`,
	`printf '%s\n' '1,5s/[0-9]/&&/' 1,5p u 1,5p q Q | ed -s long`, `printf '%s\n' 1m3 1,4p 1t4 1,6p '1,2j' 1,3p w q | ed -s long | tail -3`, `printf '%s\n' g/1/d ,p w q | ed -s long | head -4`, `printf '%s\n' 'g/^1/s/1/x/' 1,12p w q | ed -s long | tail -3`, `printf '%s\n' 'v/0/d' ,p Q | ed -s long`, `printf '%s\n' 'g/^[45]$/m0' 1,5p Q | ed -s long`, `printf '%s\n' 'g/7/' Q | ed -s long`,
	`printf '%s\n' '0r a' 1,2p 'r d/b' '$p' 'w x' q | ed -s long; wc -l x`, `printf '%s\n' a one . w q | ed -s x; cat x`, `printf '%s\n' q | ed missing; echo $?`, `printf '%s\n' 1d q q | ed a 2>/dev/null | head -2; cat a`, `printf '%s\n' 99p H 99p foo Q | ed -s a | head -3; echo`, `printf '%s\n' '?3?' '//' '$-2,$p' '1;+1p' '/nothing/' Q | ed -s long`, `printf '%s\n' '1,2w x' Q | ed -s long; cat x`, `printf '%s\n' 1d wq | ed -s long; head -1 long`, `chmod 640 a; printf '%s\n' 's/a/b/' w q | ed -s link; stat -c '%a %F' a link; cat a`, `printf '%s\n' f 'f x' f w q | ed -s a; cat x`,
	`cd packed; xzcat r.tar.xz | tar tf - | sort`, `cd packed; zstdcat r.tar.zst | wc -c`, `cd packed; bzcat r.tar.bz2 | wc -c`, `cd packed; zcat r.tar.gz | wc -c; gunzip -c r.tar.gz | wc -c`, `cd packed; xzcat twice.xz | wc -c`,
	`cd packed; unxz -k -f r.tar.xz; ls`, `cd packed; rm r.tar; unxz r.tar.xz; ls`, `cd packed; rm r.tar; unzstd -q r.tar.zst; ls`, `cd packed; rm r.tar; bunzip2 r.tar.bz2; ls`, `cd packed; xz -t r.tar.xz; echo $?`,
	`xz -k long; xzcat long.xz | cmp - long; ls`, `zstd -q long; ls; zstdcat long.zst | cmp - long`, `zstd -q --rm long; ls`, `cd packed; xzcat cut.xz 2>/dev/null | wc -l; xzcat text.xz 2>/dev/null; echo $?`, `cd packed; gunzip r.tar 2>/dev/null || echo no`, `gzip missing; echo $?`,
	`for z in gz xz zst bz2; do mkdir x$z; tar -xf packed/r.tar.$z -C x$z; done; find x* | sort`, `tar cJf t.tar.xz d; tar tf t.tar.xz | sort`, `tar --zstd -cf t.tar.zst d; tar tf t.tar.zst | sort`, `tar caf t.tar.xz d; xzcat t.tar.xz | tar t | sort`, `tar xf missing.tar 2>/dev/null; echo $?`, `tar xf a; echo $?`, `tar tf packed/r.tar nothing; echo $?`,
	`ar t packed/r.ar`, `ar p packed/r.ar b`, `mkdir x; cd x; ar x ../packed/r.ar; cat b long | wc -l`, `ar t packed/p-xz.deb`, `mkdir x; cd x; ar xo ../packed/p-gzip.deb data.tar.gz; ls`, `ar t a 2>/dev/null || echo no`, `ar t missing 2>/dev/null || echo no`,
	`for z in gzip xz zstd; do dpkg-deb -x packed/p-$z.deb x$z; find x$z | sort; done`, `dpkg-deb -f packed/p-xz.deb Version`, `dpkg-deb -f packed/p-xz.deb`, `dpkg-deb -e packed/p-zstd.deb x; ls x`, `dpkg-deb --fsys-tarfile packed/p-xz.deb | tar t | sort`, `dpkg-deb -x a x 2>/dev/null; echo $?`, `dpkg-deb -x missing x 2>/dev/null; echo $?`,
	`sed s/a/X/ a`, `sed s/a/X/g a`, `sed -n 3,5p long`, `sed '$d' long | tail -1`, `sed /^1/d long | head -3`, `sed '2q' long`, `sed -e 's/1/A/' -e 's/A/BB/' long | head -2`,
	`sed -i 's|lph|/x/|' a; cat a`, `sed -i.bak s/a/b/ a; ls a*; cat a`, `sed -E 's/(.)(.)/\2\1/' a`, `sed 's/\(.\)\(.\)/\2\1&/' a`, `sed '2!d' long`, `sed -n '/^4$/,/^6$/p' long`, `sed -n '/^4$/,6p' long`,
	`sed -n '$=' long`, `sed '1i first' a`, `sed '1a behind' a d/b`, `sed 2c\\changed long | head -3`, `sed 's/A/q/I;s/q/[&]/' a`, `sed 's/1/x/2' long | tail -40 | head -2`, `printf 'no end' | sed s/n/N/`, `sed -n 's/^1/&!/p' long`,
	`sed -i s/x/y/ missing; echo $?`, `sed 's/a' a 2>/dev/null; echo $?`, `sed '/[/]/d;s/[/]/x/' a`, `sed 5,3d long | wc -l`, `sed '48,$d' long | tail -1`, `sed -i '/2/d' long; cat long | wc -l`,
	`stat -c '%n %s %F' a d link`, `readlink link`, `cat $(readlink -f d/../link)`, `basename /x/y.txt .txt`, `dirname /x/y/`,
	`cmp a a; echo $?`, `cmp -s a d/b; echo $?`, `sha256sum a`, `md5sum < a`, `echo q | tee x y; cat x y`, `date -u -d @0 +%F`,
	`for f in *; do echo "$f"; done`, `x=$(cat a | wc -l); echo $((x+1))`, `cat <<E > x
here $HOME_NOT
E
cat x`, `false || echo or`, `[ -d d ] && echo dir`, `echo {1..3}; echo ${a:-none}`, `f() { echo "f $1"; }; f z`, `case abc in a*) echo yes;; esac`, `echo err >&2 | cat`, `cd d && cat b`, `(cd d; ls); ls -d d`, `exit 7`, `false; exit`,
	`umask 022; umask`, `test -f a; echo $?`, `printf '%s-' 1 2`, `which_nothing_is_this; echo $?`, `cat < missing; echo $?`, `echo > d; echo $?`,
}

// prepare makes what the lines are about, with the real tools.
func prepare(t *testing.T, dir string) {
	t.Helper()
	setup := `umask 022; mkdir d empty; echo alpha > a; echo bravo > d/b; mkdir d/e; for i in $(seq 50); do echo $i; done > long
ln -s a link; ln -s d dirlink; echo h > hard1; ln hard1 hard2; printf '#!/bin/sh\necho s\n' > script; chmod 755 script; touch -d '2021-02-03 04:05:06.789' script
truncate -s 1M sparse; : > -odd; ln -s nowhere d/dangling
mkdir packed p p/DEBIAN; printf 'Package: p\nVersion: 1.0\nArchitecture: all\nMaintainer: m <m@example.org>\nDescription: d\n' > p/DEBIAN/control; cp -a d p/usr
for z in gzip xz zstd; do dpkg-deb --root-owner-group -Z$z -b p packed/p-$z.deb; done >&2; rm -r p
tar cf packed/r.tar d a; for z in 'gzip -k' 'xz -k' 'zstd -q' 'bzip2 -k'; do $z packed/r.tar; done
cat packed/r.tar.xz packed/r.tar.xz > packed/twice.xz; head -c 60 packed/r.tar.xz > packed/cut.xz; echo text > packed/text.xz; cd d; ar rc ../packed/r.ar b ../long`
	cmd := exec.Command("bash", "-ec", setup)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// tree is all that is in a directory.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(p, dir)
		fmt.Fprintf(&b, "%s %s %d", name, modeText(sysOf(i).Mode), sysOf(i).Nlink)
		switch {
		case i.Mode().IsRegular() && !strings.HasSuffix(name, ".tar") && packingOf(name) == nil:
			text, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %d %.40q", len(text), text)
		case i.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(p)
			if err != nil {
				return err
			}
			b.WriteString(" -> " + to)
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestLikeGNU(t *testing.T) {
	t.Setenv("TZ", "UTC")
	made := t.TempDir()
	prepare(t, made)
	again := func() string {
		dir := filepath.Join(t.TempDir(), "x")
		if out, err := exec.Command("cp", "-a", made, dir).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return dir
	}
	for _, line := range referee {
		unix.Umask(0o022) // a line may have changed it
		real, ours := again(), again()
		cmd := exec.Command("bash", "-c", line)
		cmd.Dir = real
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/nowhere", "LC_ALL=C", "TZ=UTC"}
		var want, wantErr strings.Builder
		cmd.Stdout, cmd.Stderr = &want, &wantErr
		wantStatus := 0
		if err := cmd.Run(); err != nil {
			wantStatus = err.(*exec.ExitError).ExitCode()
		}
		got, gotErr, status := runLine(t, ours, line)
		if got != want.String() || status != wantStatus {
			t.Errorf("%s\nprints %q, status %d\nwant   %q, status %d\nsays   %s", line, got, status, want.String(), wantStatus, gotErr)
		}
		if a, b := words(gotErr, ours), words(wantErr.String(), real); a != b {
			t.Errorf("%s\nsays\n%swant\n%s", line, a, b)
		}
		if less, more := difference(tree(t, real), tree(t, ours)); less+more != "" {
			t.Errorf("%s\nleaves\n%swant\n%s", line, more, less)
		}
	}
}

// difference is the lines that only one of two texts has.
func difference(a, b string) (onlyA, onlyB string) {
	only := func(a, b string) string {
		var out strings.Builder
		for line := range strings.Lines(a) {
			if !strings.Contains("\n"+b, "\n"+line) {
				out.WriteString(line)
			}
		}
		return out.String()
	}
	return only(a, b), only(b, a)
}

// ownWords are error words that are this shell's own: who says them, and how a
// command is called.
var ownWords = regexp.MustCompile(`^((bash: line \d+|rescue|killall|fuser): |/\S*/)|, \S+ s, .*/s\n?$|\(help lists .*|(usage|Usage|hint|Try|BusyBox): .*|Try '.*`)

// words are the errors of a line as they are compared.
func words(s, dir string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(s, dir+"/", "")) {
		if line = strings.TrimSpace(ownWords.ReplaceAllString(line, "")); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// runLine runs a line in a directory, by the built-in commands alone, and
// returns what it printed and said.
func runLine(t *testing.T, dir, line string) (out, said string, status int) {
	t.Helper()
	t.Chdir(dir)
	var files [2]*os.File
	for i := range files {
		f, err := os.CreateTemp(t.TempDir(), "out")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	s, err := New(Config{In: null, Out: files[0], Err: files[1], Env: []string{"PATH=/nowhere", "HOME=/nowhere"}})
	if err != nil {
		t.Fatal(err)
	}
	status = s.Run(context.Background(), line, "line")
	var text [2]string
	for i, f := range files {
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		text[i] = string(b)
	}
	return text[0], text[1], status
}
