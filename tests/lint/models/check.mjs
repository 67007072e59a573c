// SPDX-License-Identifier: Apache-2.0
// What deploy/ describes, against the models and types of what reads it.
//
// usage: check.mjs <OBJECTS   [{"where": "...", "object": {...}}, ...]; a line for each problem
//
// Models judge values: an integer where one is due, a pattern, a field that must be there. Types
// know all keys: a misspelt one, which a cluster drops without a word, is found by them alone.
import fs from "node:fs";
import path from "node:path";
import url from "node:url";
import ts from "typescript";

const HERE = path.dirname(url.fileURLToPath(import.meta.url));
const OPTIONS = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ESNext,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
};

/** What an object is to be, as {where, module, type, value}: of Azure there are types of parts. */
function claims({ where, object }) {
    if (object.apiVersion === undefined) {
        const part = (name, type) => ({
            where: `${where}: ${name}`,
            module: "@azure/arm-appcontainers",
            type,
            value: object.properties[name],
        });
        return [part("configuration", "Configuration"), part("template", "Template")];
    }
    const { apiVersion, kind } = object;
    const home = apiVersion.startsWith("monitoring.coreos.com/")
        ? "@kubernetes-models/prometheus-operator"
        : "kubernetes-models";
    const module = `${home}/${apiVersion}/${kind}`;
    return [{ where: `${where}: ${kind}`, module, type: `I${kind}`, model: kind, value: object }];
}

async function judge({ where, module, model, value }) {
    if (model === undefined)
        return [];
    try {
        new (await import(module))[model](value).validate();
        return [];
    } catch (error) {
        return [`${where}: ${error.message}`];
    }
}

/** One source file for each claim, beside this one, where the packages are found. */
function sources(all) {
    const files = new Map();
    all.forEach(({ module, type, value }, i) => {
        const text = `import type { ${type} } from "${module}";\n` +
            `export const value: ${type} = ${JSON.stringify(value, null, 1)};\n`;
        files.set(path.join(HERE, `claim-${i}.ts`), text);
    });
    return files;
}

function compile(all) {
    const files = sources(all);
    const names = [...files.keys()];
    const host = ts.createCompilerHost(OPTIONS);
    const { fileExists, getSourceFile, readFile } = host;
    host.fileExists = (name) => files.has(name) || fileExists.call(host, name);
    host.readFile = (name) => files.get(name) ?? readFile.call(host, name);
    host.getSourceFile = (name, version, ...rest) => files.has(name)
        ? ts.createSourceFile(name, files.get(name), version)
        : getSourceFile.call(host, name, version, ...rest);
    return ts.getPreEmitDiagnostics(ts.createProgram(names, OPTIONS, host)).map((problem) => {
        const said = ts.flattenDiagnosticMessageText(problem.messageText, " ");
        const claim = all[names.indexOf(problem.file?.fileName)];
        if (claim === undefined)
            return said;
        const { line } = problem.file.getLineAndCharacterOfPosition(problem.start);
        return `${claim.where}: ${problem.file.text.split("\n")[line].trim()}: ${said}`;
    });
}

const all = JSON.parse(fs.readFileSync(0, "utf8")).flatMap(claims);
const problems = [...(await Promise.all(all.map(judge))).flat(), ...compile(all)];
for (const problem of problems)
    console.log(problem.replaceAll("\n", " "));
