/// The scripts of `sallyport completion`. They call `sallyport __complete` for each completion, so that they
/// fit every version of it.
enum CompletionScripts {
  static let bash = #"""
    # bash completion for sallyport. Made by: sallyport completion bash
    _sallyport() {
      # Readline splits words also at the characters of COMP_WORDBREAKS: these parts belong together.
      local -a words=()
      local rest=$COMP_LINE typed="" index word after
      for ((index = 0; index <= COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        after=${rest#"${rest%%[![:space:]]*}"}
        if ((index > 1)) && [[ $after == "$rest" ]]; then
          typed=${words[-1]}
          words[-1]+=$word
        else
          typed=""
          words+=("$word")
        fi
        rest=${after#"$word"}
      done
      local current=${words[-1]}
      # What stays in front of the part that readline replaces.
      case $word in
        [=:@]) typed=$current ;;
      esac
      # Except this character, which it replaces, too.
      typed=${typed%@}

      local -a lines=()
      mapfile -t lines < <("${1/#\~/$HOME}" __complete bash "${words[@]:1}" 2>/dev/null)
      ((${#lines[@]})) || return 0
      local files=${lines[0]%%$'\t'*} prefix=${lines[0]#*$'\t'} value reply
      COMPREPLY=()

      if [[ $files != none ]]; then
        local -a options=(-f)
        [[ $files == directories ]] && options=(-d)
        compopt -o filenames 2>/dev/null
        while IFS= read -r value; do
          reply=$prefix$value
          COMPREPLY+=("${reply#"$typed"}")
        done < <(compgen "${options[@]}" -- "${current#"$prefix"}")
        return 0
      fi

      for value in "${lines[@]:1}"; do
        value=$prefix${value%%$'\t'*}
        case $current in
          \'*) reply=${value//\'/\'\\\'\'} ;;
          \"*) reply=${value//\\/\\\\} reply=${reply//\"/\\\"} reply=${reply//\$/\\\$} reply=${reply//\`/\\\`} ;;
          *) printf -v reply %q "$value" ;;
        esac
        COMPREPLY+=("${reply#"$typed"}")
      done
    }
    complete -F _sallyport sallyport
    """#

  static let zsh = #"""
    #compdef sallyport
    # zsh completion for sallyport. Made by: sallyport completion zsh
    _sallyport() {
      local -a lines values
      local line value summary files prefix
      lines=("${(@f)$(${(Q)words[1]/#\~\//$HOME/} __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
      (( ${#lines} )) || return 1
      files=${lines[1]%%$'\t'*}
      prefix=${lines[1]#*$'\t'}
      [[ -n $prefix ]] && compset -P "${(b)prefix}"
      case $files in
        files) _files; return ;;
        directories) _files -/; return ;;
      esac
      for line in "${(@)lines[2,-1]}"; do
        [[ -n $line ]] || continue
        value=${line%%$'\t'*}
        summary=${line#*$'\t'}
        value=${value//\\/\\\\}
        value=${value//:/\\:}
        values+=("$value${summary:+:$summary}")
      done
      _describe -t values value values
    }
    if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
      _sallyport "$@"
    else
      compdef _sallyport sallyport
    fi
    """#

  static let fish = #"""
    # fish completion for sallyport. Made by: sallyport completion fish
    function __sallyport_complete
        set -l words (commandline -opc)
        set -l current (commandline -ct)
        # A quote may still be open.
        set current (string unescape -- "$current"; or string sub -s 2 -- "$current")
        set -l lines ($words[1] __complete fish $words[2..-1] "$current" 2>/dev/null)
        set -l head (string split -m 1 \t -- $lines[1])
        switch "$head[1]"
            case files
                set -l word (string sub -s (math 1 + (string length -- "$head[2]")) -- "$current")
                printf '%s\n' $head[2](__fish_complete_path "$word")
            case directories
                set -l word (string sub -s (math 1 + (string length -- "$head[2]")) -- "$current")
                printf '%s\n' $head[2](__fish_complete_directories "$word" "")
            case '*'
                set -e lines[1]
                test (count $lines) -gt 0; and printf '%s\n' $head[2]$lines
        end
    end
    complete -c sallyport -f -a '(__sallyport_complete)'
    """#
}
