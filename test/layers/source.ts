/** What the rules look at: one source file without comments, its string literals set apart. */
export interface Source {
  /** Relative to src, with slashes. */
  readonly path: string;
  /** Comments blanked; the n-th string literal is written `'n'`; line breaks kept. */
  readonly code: string;
  readonly strings: readonly string[];
}

export interface Import {
  /** As written. */
  readonly specifier: string;
  readonly line: number;
}

export function parseSource(path: string, text: string): Source {
  const strings: string[] = [];
  let code = '';
  let at = 0;
  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? text.slice(at, at + 1);
    at += found.length;
    return found;
  };
  // Template literals nest: each entry counts the braces open inside one `${`.
  const templates: number[] = [];
  while (at < text.length) {
    const two = text.slice(at, at + 2);
    const char = text.charAt(at);
    if (two === '//' || two === '/*')
      code += skip(two === '//' ? /[^\n]*/y : /\/\*[\s\S]*?\*\//y).replace(/[^\n]/g, ' ');
    else if (char === "'" || char === '"') {
      strings.push(skip(char === "'" ? /'(?:\\.|[^'\\])*'/y : /"(?:\\.|[^"\\])*"/y).slice(1, -1));
      code += `'${strings.length - 1}'`;
    } else if (char === '`' || (char === '}' && templates.at(-1) === 0)) {
      if (char === '}') templates.pop();
      const chunk = skip(/[`}](?:\\[\s\S]|\$(?!\{)|[^\\`$])*(?:`|\$\{)/y);
      if (chunk.endsWith('${')) templates.push(0);
      code += `\`${chunk.replace(/[^\n]/g, '')}\``;
    } else if (char === '/' && /(?:^|[(,=:[!&|?{};+<>*%~^-]|\breturn|\bcase)\s*$/.test(code)) {
      skip(/\/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[\n])+\/\w*/y);
      code += '/regex/';
    } else {
      const depth = templates.at(-1);
      if (depth !== undefined && char === '{') templates[templates.length - 1] = depth + 1;
      if (depth !== undefined && char === '}') templates[templates.length - 1] = depth - 1;
      code += char;
      at++;
    }
  }
  return { path, code, strings };
}

/** Static, side-effect and dynamic imports, re-exports, and `import('…')` types. */
export function importsOf({ code, strings }: Source): Import[] {
  const pattern = /(?:\b(?:import|export)\b[^'`;=()]*?\bfrom\s*|\bimport\s*\(?\s*)'(\d+)'/g;
  return [...code.matchAll(pattern)].map((match) => ({
    specifier: strings[Number(match[1])] ?? '',
    line: code.slice(0, match.index).split('\n').length,
  }));
}
