package command

// What calls of the languages' standard libraries do, as the command that does
// the same. "$1" is the first argument, "$0" what a method is called on, "@"
// all the arguments. A name that begins with a dot is a method or a name that
// was imported. Words with "!" are ways of their own:
//
//	!code    the first argument is run by a shell
//	!file    it is a file of code of the language
//	!system  one argument is run by a shell, several are a command
//	!exec    a command, in a list or as arguments
//	!process a list, or a string with shell=True
//	!open    a file, opened as the second argument says
//	!write   the file is written
//	!append  or appended to
//	!sql     a statement for a database; !sql2 the second argument is
//	!chdir   what follows runs in that directory
//	!chroot  what follows runs below that root directory
//	!fork    the program starts itself once more
//	!fields  a command in one text that is split at blanks, or a list
//	!self    the same, of what the method is called on

func pythonCalls() map[string]string {
	return map[string]string{
		"os.remove": "rm -f -- $1", "os.unlink": "rm -f -- $1", "os.rmdir": "rmdir -- $1", "os.removedirs": "rmdir -p -- $1", "shutil.rmtree": "rm -rf -- $1",
		"os.rename": "mv -T -- $1 $2", "os.renames": "mv -T -- $1 $2", "os.replace": "mv -T -- $1 $2", "shutil.move": "mv -- $1 $2",
		"shutil.copy": "cp -- $1 $2", "shutil.copy2": "cp -p -- $1 $2", "shutil.copyfile": "cp -- $1 $2", "shutil.copytree": "cp -rT -- $1 $2",
		"os.truncate": "truncate -s $2 -- $1", "os.chmod": "chmod $2 -- $1", "os.chown": "chown $2:$3 -- $1", "os.lchown": "chown -h $2:$3 -- $1", "shutil.chown": "chown $2 -- $1",
		"os.symlink": "ln -s -- $1 $2", "os.link": "ln -- $1 $2", "os.kill": "kill -$2 $1", "os.killpg": "kill -$2 -- -$1",
		"runpy.run_path": "!file", "execfile": "!file", "os.chdir": "!chdir", "os.chroot": "!chroot", "os.fork": "!fork", "urllib.request.urlopen": "curl -s $1", "urlopen": "curl -s $1", "requests.get": "curl -s $1", "urllib2.urlopen": "curl -s $1", "httpx.get": "curl -s $1",
		".execute": "!sql", ".executescript": "!sql", ".executemany": "!sql", ".flushall": "redis-cli FLUSHALL", ".flushdb": "redis-cli FLUSHDB", ".drop_database": "mongosh --eval db.dropDatabase()", ".drop_collection": "mongosh --eval db.x.drop()",
		"os.system": "!code", "os.popen": "!code", "subprocess.getoutput": "!code", "subprocess.getstatusoutput": "!code", "commands.getoutput": "!code", "pty.spawn": "!exec",
		"subprocess.run": "!process", "subprocess.call": "!process", "subprocess.check_call": "!process", "subprocess.check_output": "!process", "subprocess.Popen": "!process",
		"os.execv": "!execv", "os.execvp": "!execv", "os.execve": "!execv", "os.execvpe": "!execv", "os.execl": "!execl", "os.execlp": "!execl", "os.posix_spawn": "!execv", "os.spawnvp": "!spawn", "os.spawnlp": "!spawnl",
		"asyncio.create_subprocess_shell": "!code", "asyncio.create_subprocess_exec": "!exec",
		"open": "!open", "io.open": "!open", "os.open": "!osopen",
		".extractall": "tar -xf archive -C $1", "shutil.unpack_archive": "tar -xf $1 -C $2",
		".unlink": "$path rm -f -- $0", ".rmdir": "$path rmdir -- $0", ".write_text": "$path !write", ".write_bytes": "$path !write", ".rename": "$path mv -T -- $0 $1", ".replace": "$path mv -T -- $0 $1", ".chmod": "$path chmod $1 -- $0", ".open": "$path !openpath",
	}
}

func perlCalls() map[string]string {
	return map[string]string{
		"unlink": "rm -f -- @", "rmdir": "rmdir -- $1", "rmtree": "rm -rf -- @", "remove_tree": "rm -rf -- @",
		"rename": "mv -T -- $1 $2", "move": "mv -- $1 $2", "copy": "cp -- $1 $2", "truncate": "truncate -s $2 -- $1", "chmod": "!mode chmod", "chown": "!owner chown",
		"chdir": "!chdir", "chroot": "!chroot", "fork": "!fork", ".do": "!sql", "symlink": "ln -s -- $1 $2", "kill": "!kill", "system": "!system", "exec": "!system", "open": "!perlopen", "qx": "!code", "eval": "", "join": "", "reverse": "", "lc": "", "decode_base64": "", "pack": "", "chr": "", "shell": "!system", "run": "!system", "syscall": "", "readdir": "", "glob": "", // a list; what is done with it counts
	}
}

func rubyCalls() map[string]string {
	return map[string]string{
		"FileUtils.rm": "rm -- @", "FileUtils.rm_f": "rm -f -- @", "FileUtils.remove": "rm -- @", "FileUtils.safe_unlink": "rm -f -- @", "FileUtils.rm_r": "rm -r -- @", "FileUtils.rm_rf": "rm -rf -- @", "FileUtils.rmtree": "rm -rf -- @", "FileUtils.remove_dir": "rm -r -- $1", "FileUtils.remove_entry": "rm -r -- $1", "FileUtils.remove_entry_secure": "rm -r -- $1", "FileUtils.rmdir": "rmdir -- @",
		"FileUtils.mv": "mv -- $1 $2", "FileUtils.move": "mv -- $1 $2", "FileUtils.cp": "cp -- $1 $2", "FileUtils.copy": "cp -- $1 $2", "FileUtils.cp_r": "cp -r -- $1 $2", "FileUtils.chmod": "chmod $1 -- $2", "FileUtils.chmod_R": "chmod -R $1 -- $2", "FileUtils.chown": "chown $1:$2 -- $3", "FileUtils.chown_R": "chown -R $1:$2 -- $3", "FileUtils.ln_sf": "ln -sf -- $1 $2", "FileUtils.ln_s": "ln -s -- $1 $2",
		"File.delete": "rm -f -- @", "File.unlink": "rm -f -- @", "File.rename": "mv -T -- $1 $2", "File.truncate": "truncate -s $2 -- $1", "File.chmod": "!mode chmod", "File.write": "!write1", "IO.write": "!write1", "File.binwrite": "!write1", "File.open": "!open", "File.new": "!open", "open": "!open",
		"Dir.rmdir": "rmdir -- $1", "Dir.delete": "rmdir -- $1", "Dir.unlink": "rmdir -- $1", "Pathname.delete": "rm -- $1", ".rmtree": "$path rm -rf -- $0", ".unlink": "$path rm -f -- $0", ".delete": "$path rm -f -- $0",
		"load": "!file", "eval": "", "Dir.chdir": "!chdir", "Dir.chroot": "!chroot", "FileUtils.cd": "!chdir", "fork": "!fork", "Process.fork": "!fork", ".execute": "!sql", ".flushall": "redis-cli FLUSHALL", ".flushdb": "redis-cli FLUSHDB",
		"system": "!system", "exec": "!system", "spawn": "!system", "Kernel.system": "!system", "Kernel.exec": "!system", "IO.popen": "!system", "Open3.capture2": "!system", "Open3.capture3": "!system", "Open3.capture2e": "!system", "Open3.popen3": "!system", "Process.spawn": "!system", "Process.kill": "!kill",
	}
}

func nodeCalls() map[string]string {
	return map[string]string{
		"fs.unlinkSync": "rm -f -- $1", "fs.unlink": "rm -f -- $1", "fs.rmSync": "!rm", "fs.rm": "!rm", "fs.rmdirSync": "!rmdir", "fs.rmdir": "!rmdir", "fs.promises.rm": "!rm", "fs.promises.unlink": "rm -f -- $1", "fs.promises.rmdir": "!rmdir",
		"fs.writeFileSync": "!write1", "fs.writeFile": "!write1", "fs.promises.writeFile": "!write1", "fs.appendFileSync": "!append1", "fs.appendFile": "!append1", "fs.createWriteStream": "!write1", "fs.openSync": "!open",
		"fs.renameSync": "mv -T -- $1 $2", "fs.rename": "mv -T -- $1 $2", "fs.copyFileSync": "cp -- $1 $2", "fs.copyFile": "cp -- $1 $2", "fs.cpSync": "cp -r -- $1 $2", "fs.truncateSync": "truncate -s 0 -- $1", "fs.chmodSync": "chmod $2 -- $1", "fs.chownSync": "chown $2:$3 -- $1", "fs.symlinkSync": "ln -s -- $1 $2",
		"fse.removeSync": "rm -rf -- $1", "fse.emptyDirSync": "rm -rf -- $1", "rimraf": "rm -rf -- $1", "rimraf.sync": "rm -rf -- $1",
		"child_process.exec": "!code", "child_process.execSync": "!code", "child_process.spawn": "!spawnjs", "child_process.spawnSync": "!spawnjs", "child_process.execFile": "!spawnjs", "child_process.execFileSync": "!spawnjs",
		"process.chdir": "!chdir", ".flushall": "redis-cli FLUSHALL", ".flushdb": "redis-cli FLUSHDB", ".dropDatabase": "mongosh --eval db.dropDatabase()",
		"process.kill":    "kill -- $1",
		"Deno.removeSync": "!rm", "Deno.remove": "!rm", "Deno.writeTextFileSync": "!write1", "Deno.writeTextFile": "!write1", "Deno.writeFileSync": "!write1", "Deno.renameSync": "mv -T -- $1 $2", "Deno.copyFileSync": "cp -- $1 $2", "Deno.truncateSync": "truncate -s 0 -- $1", "Deno.chmodSync": "chmod $2 -- $1",
	}
}

func phpCalls() map[string]string {
	return map[string]string{
		"unlink": "rm -f -- $1", "rmdir": "rmdir -- $1", "rename": "mv -T -- $1 $2", "copy": "cp -- $1 $2", "file_put_contents": "!write1", "fopen": "!open", "chmod": "chmod $2 -- $1", "chown": "chown $2 -- $1", "symlink": "ln -s -- $1 $2",
		"chdir": "!chdir", "chroot": "!chroot", "pcntl_fork": "!fork", "mysqli_query": "!sql2", "pg_query": "!sql2", ".query": "!sql", ".exec": "!sql",
		"system": "!code", "exec": "!code", "shell_exec": "!code", "passthru": "!code", "popen": "!code", "proc_open": "!code", "pcntl_exec": "!execphp", "posix_kill": "kill -$2 $1",
	}
}

func luaCalls() map[string]string {
	return map[string]string{
		"os.execute": "!code", "io.popen": "!code", "os.remove": "rm -f -- $1", "os.rename": "mv -T -- $1 $2", "io.open": "!open", "io.output": "!write1", "dofile": "!file", "posix.exec": "!exec", "posix.chmod": "chmod $2 -- $1", "posix.unlink": "rm -f -- $1", "posix.kill": "kill -$2 $1", "rpm.execute": "!exec",
	}
}

func awkCalls() map[string]string {
	return map[string]string{"system": "!code"}
}

func octaveCalls() map[string]string {
	return map[string]string{
		"system": "!code", "shell_cmd": "!code", "unix": "!code", "dos": "!code", "popen": "!code", "popen2": "!exec", "exec": "!exec", "run": "!file", "source": "!file", "cd": "!chdir", "chdir": "!chdir",
		"delete": "rm -f -- $1", "unlink": "rm -f -- $1", "rmdir": "!rmtree", "rename": "mv -T -- $1 $2", "movefile": "mv -- $1 $2", "copyfile": "cp -r -- $1 $2", "fopen": "!open", "save": "!write1", "csvwrite": "!write1", "dlmwrite": "!write1",
	}
}

func rCalls() map[string]string {
	return map[string]string{
		"source": "!file", "system": "!code", "shell": "!code", "system2": "!exec", "unlink": "!rm", "file.remove": "rm -f -- @", "file.rename": "mv -T -- $1 $2", "file.copy": "cp -- $1 $2", "file.create": "!write1", "file": "!open", "sink": "!write1", "Sys.chmod": "chmod $2 -- $1",
	}
}

func juliaCalls() map[string]string {
	return map[string]string{
		"include": "!file", "rm": "!rm", "mv": "mv -T -- $1 $2", "cp": "cp -r -- $1 $2", "write": "!write1", "open": "!open", "chmod": "chmod $2 -- $1", "truncate": "truncate -s $2 -- $1",
	}
}

// jvmCalls are Groovy's, Kotlin's, Scala's and Java's.
func jvmCalls() map[string]string {
	return map[string]string{
		".deleteDir": "$path rm -rf -- $0", ".deleteRecursively": "$path rm -rf -- $0", ".delete": "$path rm -f -- $0", ".deleteOnExit": "$path rm -f -- $0", ".renameTo": "$path mv -T -- $0 $1", ".copyTo": "$path cp -- $0 $1", ".copyRecursively": "$path cp -r -- $0 $1",
		".write": "$path !write", ".writeText": "$path !write", ".writeBytes": "$path !write", ".setText": "$path !write", ".setBytes": "$path !write", ".withWriter": "$path !write", ".newWriter": "$path !write", ".newOutputStream": "$path !write", ".append": "$path !append0", ".appendText": "$path !append0",
		"Files.delete": "rm -f -- $1", "Files.deleteIfExists": "rm -f -- $1", "Files.move": "mv -T -- $1 $2", "Files.copy": "cp -- $1 $2", "Files.write": "!write1", "Files.writeString": "!write1", "Files.newBufferedWriter": "!write1", "Files.createSymbolicLink": "ln -s -- $2 $1",
		"FileUtils.deleteDirectory": "rm -rf -- $1", "FileUtils.deleteQuietly": "rm -rf -- $1", "FileUtils.forceDelete": "rm -rf -- $1", "FileUtils.cleanDirectory": "rm -rf -- $1/", "FileWriter": "!write1", "FileOutputStream": "!write1", "PrintWriter": "!write1",
		".execute": "!self", "ProcessBuilder": "!exec", ".exec": "!fields", "os.proc": "!exec", "os.remove.all": "rm -rf -- $1", "os.remove": "rm -f -- $1", "Process": "!fields", "process.Process": "!fields",
	}
}
