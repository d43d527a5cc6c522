#compdef vmtui
# Completion of vmtui for zsh.

# The names of guests; a backend that does not run is not started for them.
_vmtui_guests() {
	local -a guests
	guests=(${(f)"$(_call_program guests \
	    $service ${opt_args[-f]:+-f ${opt_args[-f]}} \
	    status --names 2>/dev/null)"})
	_describe -t guests guest guests
}

_vmtui_commands() {
	local -a commands
	commands=(
		'status:list the guests'
		'show:list the guests that run'
		'start:start guests, defined or made up'
		'stop:ask guests to shut down'
		'console:attach to the console of a guest'
		'pause:freeze guests'
		'unpause:let paused guests go on'
		'reset:press the reset button'
		'balloon:move the memory of a running guest'
		'link:plug a cable in or pull it out'
		'insert:put another disc into the CD-ROM drive'
		'eject:take the disc out of the CD-ROM drive'
		'grow:make a disk of a running guest larger'
		'wait:wait until guests have ended'
		'send:stop a guest and write it out'
		'receive:start a guest where send stopped it'
		'log:show the log of a guest or the backend'
		'create:make a disk image'
		'image:show, check and change disk images'
		'check:find every mistake in a configuration'
		'import:turn an OpenBSD vm.conf into a configuration'
		'load:make another file the configuration'
		'reload:have the configuration read again'
		'switches:list the switches'
		'backend:run the backend in the foreground'
	)
	_describe -t commands command commands
}

_vmtui_reset_words() {
	_alternative 'guests:guest:_vmtui_guests' \
	    'words:word:(all switches vms)'
}

_vmtui_image_options() {
	_values -s , option 'cluster_size:size:' 'compat:version:(v2 v3)' \
	    'compression_type:type:(zlib zstd)' 'data_file:file:_files' \
	    'data_file_raw:switch:(on off)' \
	    'preallocation:how:(off metadata falloc full)' \
	    'extended_l2:switch:(on off)' 'lazy_refcounts:switch:(on off)' \
	    'refcount_bits:bits:(1 2 4 8 16 32 64)'
}

_vmtui() {
	local curcontext=$curcontext state line
	typeset -A opt_args

	_arguments -C \
	    '-f[the configuration]:file:_files' \
	    '--help[show all commands]' \
	    '--version[show the version]' \
	    '1:command:_vmtui_commands' \
	    '*::argument:->argument'
	[[ $state == argument ]] || return
	case $words[1] in
	status)
		_arguments '-r[only guests that run]' \
		    '--json[for scripts]' '--names[names only]' \
		    '1:guest:_vmtui_guests' ;;
	show)
		_arguments '--json[for scripts]' '1:guest:_vmtui_guests' ;;
	start)
		_arguments '-a[all that do not run]' \
		    '-c[attach to the console]' '-w[wait for the end]' \
		    '-m[memory]:size:' '-p[virtual CPUs]:number:' \
		    '-b[kernel]:file:_files' '-I[initial RAM disk]:file:_files' \
		    '-k[command line]:text:' '*-d[disk]:file:_files' \
		    '-r[CD-ROM]:file:_files' \
		    '-B[what is booted first]:device:(disk cdrom net)' \
		    '*-n[interface in a switch]:switch:' \
		    '-i[number of interfaces]:number:' \
		    '*-L[local interface]' \
		    '-t[template]:guest:_vmtui_guests' \
		    '*:guest:_vmtui_guests' ;;
	stop)
		_arguments '-a[all that run]' '-f[end them at once]' \
		    '-w[wait until they ended]' '*:guest:_vmtui_guests' ;;
	console)
		_arguments '--history[what came before first]' \
		    '--port[which console]:port:(ttyS0 ttyS1 hvc0)' \
		    '1:guest:_vmtui_guests' ;;
	pause | unpause | wait)
		_arguments '*:guest:_vmtui_guests' ;;
	reset)
		_arguments '-s[ask them to reboot]' \
		    '*:guest:_vmtui_reset_words' ;;
	balloon)
		_arguments '1:guest:_vmtui_guests' '2:size:' ;;
	link)
		_arguments '1:guest:_vmtui_guests' '*:state:(up down)' ;;
	insert)
		_arguments '-f[also if the guest has locked it]' \
		    '1:guest:_vmtui_guests' '2:disc:_files' ;;
	eject)
		_arguments '-f[also if the guest has locked it]' \
		    '1:guest:_vmtui_guests' ;;
	grow)
		_arguments '1:guest:_vmtui_guests' '2:disk or size:' \
		    '3:size:' ;;
	send | receive)
		_arguments '1:guest:_vmtui_guests' ;;
	log)
		_arguments '-f[go on with what comes]' \
		    '1:guest:_vmtui_guests' ;;
	create)
		_arguments '-s[size]:size:' '-b[base]:file:_files' \
		    '-i[what is copied]:file:_files' \
		    '-f[format]:format:(raw qcow2)' \
		    '-F[format of the base or the original]:format:(raw qcow2)' \
		    '-o[what it is to be like]:option:_vmtui_image_options' \
		    '1:file:_files' ;;
	image)
		_arguments '1:command:(list info check map resize convert commit rebase delete)' \
		    '-f[format]:format:(raw qcow2)' \
		    '-F[format of the base]:format:(raw qcow2)' \
		    '-O[format of the copy]:format:(raw qcow2)' \
		    '-b[base]:file:_files' \
		    '-o[what it is to be like]:option:_vmtui_image_options' \
		    '-r[repair]' '-u[change the name of the base alone]' \
		    '--json[for scripts]' '--shrink[it may become smaller]' \
		    '--lose-data[also if something is lost]' \
		    '*:file:_files' ;;
	check)
		_arguments '1:file:_files' ;;
	import)
		_arguments '-o[write to a file]:file:_files' \
		    '1:vm.conf:_files' ;;
	load)
		_arguments '--json[for scripts]' '1:file:_files' ;;
	reload | switches)
		_arguments '--json[for scripts]' ;;
	backend)
		_arguments '-f[the configuration]:file:_files' ;;
	esac
}

_vmtui "$@"
