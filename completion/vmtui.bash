# Completion of vmtui for bash.

# The names of guests; a backend that does not run is not started for them.
_vmtui_guests() {
	"${COMP_WORDS[0]}" ${_vmtui_file:+-f "$_vmtui_file"} status --names \
	    2>/dev/null
}

# What an option of create and image takes.
_vmtui_image_values() {
	case $1 in
	-f | -F | -O)
		what='raw qcow2' options= ;;
	-o)
		what='cluster_size= compat= compression_type= data_file=
		    data_file_raw= extended_l2= lazy_refcounts= preallocation=
		    refcount_bits=' options= ;;
	-s)
		what=none options= ;;
	-b | -i)
		options= ;;
	esac
}

# image COMMAND: the previous word, and where the command stands.
_vmtui_image() {
	what=files options='-f'
	case ${COMP_WORDS[$2]} in
	list)
		options='--json' ;;
	info | map)
		options+=' --json' ;;
	check)
		options+=' --json -r' ;;
	resize)
		options+=' --shrink --lose-data' ;;
	convert)
		options+=' -O -o' ;;
	commit)
		;;
	delete)
		options= ;;
	rebase)
		options+=' -b -F -u' ;;
	*)
		what='list info check map resize convert commit rebase
		    delete'
		options='-f -F -O -b -o -r -u --json --shrink --lose-data' ;;
	esac
	_vmtui_image_values "$1"
}

_vmtui() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command= i options= what= _vmtui_file=
	local IFS=$' \t\n'

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-f)
			_vmtui_file=${COMP_WORDS[++i]} ;;
		-*)
			;;
		*)
			command=${COMP_WORDS[i]}
			break ;;
		esac
	done
	COMPREPLY=()
	case $command in
	'')
		if [[ $prev == -f ]]; then
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W "status show start stop
		    console pause unpause reset balloon link insert eject grow wait
		    send receive
		    log create image
		    check import load
		    reload switches backend -f --help --version" -- "$cur")
		return ;;
	status)
		options='-r --json --names' what=guests ;;
	show)
		options='--json' what=guests ;;
	start)
		options='-a -c -w -m -p -b -I -k -d -r -B -n -i -L -t'
		what=guests
		case $prev in
		-b | -I | -d | -r)
			what=files options= ;;
		-B)
			what='disk cdrom net' options= ;;
		-n)
			what=none options= ;;
		-m | -p | -k | -i)
			what=none options= ;;
		-t)
			options= ;;
		esac ;;
	stop)
		options='-a -f -w' what=guests ;;
	console)
		options='--history --port' what=guests
		if [[ $prev == --port ]]; then
			what='ttyS0 ttyS1 hvc0' options=
		fi ;;
	pause | unpause | wait | balloon | grow | send | receive)
		what=guests ;;
	reset)
		options='-s' what='guests all switches vms' ;;
	link)
		what='guests up down' ;;
	insert)
		options='-f' what=guests
		for ((i++; i < COMP_CWORD; i++)); do
			[[ ${COMP_WORDS[i]} == -* ]] || what=files
		done ;;
	eject | log)
		options='-f' what=guests ;;
	create)
		options='-s -b -i -f -F -o' what=files
		_vmtui_image_values "$prev" ;;
	image)
		_vmtui_image "$prev" $((i + 1)) ;;
	check)
		what=files ;;
	import)
		options='-o' what=files ;;
	load)
		options='--json' what=files ;;
	reload | switches)
		options='--json' what=none ;;
	backend)
		options='-f' what=files ;;
	esac
	case $what in
	none)
		what= ;;
	files)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		what= ;;
	guests*)
		what="$(_vmtui_guests) ${what#guests}" ;;
	esac
	[[ $cur == -* ]] && what=
	mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(
		compgen -W "$what $options --help" -- "$cur")
	# Nobody who has not begun an option wants to see them all.
	if [[ $cur != -* && -n $what ]]; then
		mapfile -t COMPREPLY < <(printf '%s\n' "${COMPREPLY[@]}" |
			grep -v '^-')
	fi
}

complete -F _vmtui vmtui
