export type Shell = 'bash' | 'zsh' | 'fish';

// Each asks the tool itself what the last word may be, and leaves the names of files to the shell.

const BASH = `# Completion of stowage, for bash.
_stowage() {
  local line="\${COMP_LINE:0:COMP_POINT}" kept='' breaks='' value rest
  local -a words found=()
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  local current="\${words[-1]}"
  while IFS=$'\\t' read -r value rest; do
    found+=("$value")
  done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null)
  # Readline takes these for ends of words, and replaces what follows the last of them only.
  [[ $COMP_WORDBREAKS == *:* ]] && breaks+=':'
  [[ $COMP_WORDBREAKS == *=* ]] && breaks+='='
  [[ -n $breaks && $current == *[$breaks]* ]] && kept="\${current%"\${current##*[$breaks]}"}"
  COMPREPLY=("\${found[@]#"$kept"}")
  [[ \${#found[@]} == 1 && \${found[0]} == *[:=] ]] && compopt -o nospace
  return 0
}
complete -o default -F _stowage stowage
`;

const ZSH = `#compdef stowage
# Completion of stowage, for zsh.
_stowage() {
  local line
  local -a found
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( $#found )); then
    _describe stowage found
  else
    _files
  fi
}
if [[ $funcstack[1] == _stowage ]]; then
  _stowage
else
  compdef _stowage stowage
fi
`;

const FISH = `# Completion of stowage, for fish.
function __stowage_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found ($words[1] __complete -- $words[2..-1] 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c stowage -f -a '(__stowage_complete)'
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
