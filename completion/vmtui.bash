# Completion of vmtui for bash.

# The names of guests; a backend that does not run is not started for them.
_vmtui_guests() {
	"${COMP_WORDS[0]}" ${_vmtui_file:+-f "$_vmtui_file"} status --names \
	    2>/dev/null
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
		    console pause unpause reset balloon wait log check import load
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
			what='ttyS0 hvc0' options=
		fi ;;
	pause | unpause | wait | balloon)
		what=guests ;;
	reset)
		what='guests all switches vms' ;;
	log)
		options='-f' what=guests ;;
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
