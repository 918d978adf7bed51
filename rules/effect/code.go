package effect

import "sync"

// coder is a Go function for what data cannot say. It runs between reading
// the options and the clauses; it may set attributes, fill roles and add
// effects.
type coder struct {
	attrs  []string // attributes that it may set
	values []string // arguments that it may fill
	run    func(*call)
}

// coders are the functions that a manifest may name.
var coders = sync.OnceValue(func() map[string]coder {
	return map[string]coder{
		"copy":    {run: copyFiles},
		"move":    {run: moveFiles},
		"link":    {run: linkFiles},
		"find":    {run: findActions},
		"tee":     {run: teeFiles},
		"dd":      {run: ddOutput},
		"mode":    {run: fileMode},
		"mount":   {run: mountFilesystem},
		"crontab": {run: crontab},
		"kill":    {run: killProcesses},
		"tar":     {run: tarExtract},
		"mkfs":    {run: makeFilesystem},
		"rsync":   {run: rsyncTree},
		"install": {run: installFiles},
		"parted":  {run: partedCommand},
		"target":  {attrs: []string{"_power"}, run: startTarget},

		"nmcli-name":       {run: nmcliName},
		"nmcli-up":         {attrs: []string{"_changed"}, run: nmcliUp},
		"nft":              {run: nftCommands},
		"sed":              {run: sedFiles},
		"perl":             {run: perlFiles},
		"awk":              {run: awkFiles},
		"editor":           {run: editorFiles},
		"sudoedit":         {run: sudoeditFiles},
		"unzip":            {run: unzipTree},
		"cpio":             {run: cpioTree},
		"sftp":             {run: sftpBatch},
		"augeas":           {attrs: []string{"_saves"}, run: augeasTree},
		"chattr":           {run: chattrFiles},
		"groupdel":         {run: groupsAndUsers},
		"apt":              {run: aptPackages},
		"packages":         {run: otherPackages},
		"curl":             {values: []string{"file", "url"}, run: curlFiles},
		"http-store":       {run: httpStore},
		"wget":             {values: []string{"fetched"}, run: wgetFiles},
		"container-copy":   {attrs: []string{"recursive"}, run: containerCopy},
		"every-listed":     {attrs: []string{"each"}, run: everyListed},
		"noun-verb":        {values: []string{"noun", "verb", "target"}, run: nounVerb},
		"git-push":         {attrs: []string{"rewrite", "delete", "tag"}, values: []string{"branch"}, run: gitPush},
		"git-paths":        {attrs: []string{"_paths", "filtered"}, run: gitPaths},
		"statements":       {run: statements},
		"table-change":     {run: tableChange},
		"ldif":             {run: ldifChanges},
		"console-lines":    {run: consoleLines},
		"kubectl":          {attrs: []string{"namespace", "data", "all"}, values: []string{"target", "file", "type", "name"}, run: kubectlTarget},
		"block-stack":      {run: blockStack},
		"pvcreate":         {run: physicalVolumes},
		"unpack":           {run: unpackArchive},
		"services-operand": {run: servicesOperand},
		"sysctl":           {run: sysctlKeys},
		"supervised":       {run: supervised},
		"start-stop":       {run: startStop},
		"units":            {run: stopUnits},
		"device-words":     {values: []string{"device"}, run: deviceWords},
		"out-file":         {run: outOption},
		"table-menu":       {run: tableMenu},
		"aged-files":       {run: agedFiles},
		"framework":        {attrs: []string{"_production"}, run: framework},
		"line-protocol":    {run: lineProtocol},
		"mirror":           {run: mirrorHere},
		"backup-orders":    {run: backupOrders},
		"yes-input":        {attrs: []string{"_yes"}, run: yesInput},
		"bus-call":         {run: busCall},
		"zfs-property":     {values: []string{"at"}, run: zfsProperty},
		"command-lines":    {run: commandLines},
		"pool-devices":     {values: []string{"device"}, run: poolDevices},
	}
})
