import Basics
import Engine
import IntegrationKit
import JSON

/// The arguments of the command of `call`, from the command line.
enum CallArguments {
  /// `device_id` is `--device-id`.
  static func optionName(_ parameter: String) -> String {
    "--" + parameter.split(separator: "_", omittingEmptySubsequences: false).joined(separator: "-")
  }

  /// An option for each parameter.
  static func options(of command: RegisteredCommand) -> [Option] {
    command.shape.names.map {
      Option(
        optionName($0), "VALUE", "",
        implied: command.shape.form(of: $0).isBoolean ? "true" : nil)
    }
  }

  /// The arguments as a JSON object.
  static func object(
    of command: RegisteredCommand, _ arguments: ParsedArguments
  ) throws(UsageError) -> JSONFragment {
    var files = ArgumentFiles()
    var given: [(name: String, value: JSONFragment)] = []
    if let text = arguments["--json"] {
      let text = try files.content(text, of: "--json")?.text ?? text
      let object: JSON
      do throws(JSONError) {
        object = try JSON.parse(text)
      } catch {
        throw UsageError("--json is not JSON: \(error)")
      }
      guard object.kind == .object else { throw UsageError("--json must be an object") }
      for member in object.members {
        given.append((member.name.string ?? "", JSONFragment(member.value)))
      }
    }
    for name in command.shape.names {
      let option = optionName(name)
      let texts = arguments.all(option)
      guard !texts.isEmpty else { continue }
      given.removeAll { $0.name == name }
      given.append((name, try value(of: name, texts, option, in: command.shape, &files)))
    }
    return JSONFragment { writer in
      writer.object { writer in
        for (name, value) in given {
          writer.name(text: name)
          writer.value(value)
        }
      }
    }
  }

  private static func value(
    of name: String, _ texts: [String], _ option: String, in shape: ParameterShape,
    _ files: inout ArgumentFiles
  ) throws(UsageError) -> JSONFragment {
    let form = shape.form(of: name)
    var values: [String] = []
    var areWhole = false
    for text in texts {
      guard let file = try files.content(text, of: option) else {
        // Two at the beginning are one that is meant.
        values.append(text.hasPrefix("@@") ? String(text.dropFirst()) : text)
        continue
      }
      if form.isBase64 {
        values.append(Base64.encode(file.bytes))
        continue
      }
      let content = try file.text
      if form.isList, !content.drop(while: \.isWhitespace).hasPrefix("[") {
        values += content.split(whereSeparator: \.isNewline).map(String.init)
        areWhole = true
      } else if form.isSecret {
        values.append(
          content.hasSuffix("\r\n") || content.hasSuffix("\n")
            ? String(content.dropLast()) : content)
      } else if form.isText {
        values.append(content)
      } else {
        values.append(content.trimmed)
      }
    }
    guard let value = shape.value(of: name, from: values, areWhole: areWhole) else {
      throw UsageError("\(option): invalid JSON array: \(values[0])", remedy: "Use a,b,c instead.")
    }
    return value
  }
}

extension String {
  fileprivate var trimmed: String {
    let start = drop(while: \.isWhitespace)
    return String(start.reversed().drop(while: \.isWhitespace).reversed())
  }
}
