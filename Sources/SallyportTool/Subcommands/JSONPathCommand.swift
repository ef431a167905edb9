import Basics
import Glibc
import JSON
import JSONPath

/// `sallyport jsonpath`
enum JSONPathCommand {
  static var description: Subcommand {
    Subcommand(
      name: "jsonpath", usage: "QUERY < DOCUMENT",
      summary: "evaluate a JSONPath (RFC 9535) and print the values as a JSON array",
      details: """
        Reads one JSON document from stdin. Exit status 2: invalid query or document.
        """,
      examples: [
        "sallyport call coda_footprint list_devices --sandbox --raw \\\n"
          + "    | sallyport jsonpath '$.raw_data.items[?@.riskLevel > 2].name'"
      ],
      options: [], run: run)
  }

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: [])
    guard let query = arguments.positionals.first, arguments.positionals.count == 1 else {
      throw UsageError(
        "jsonpath requires exactly one query", remedy: "sallyport jsonpath '$.items[*].id'")
    }
    let path: JSONPath
    do throws(JSONPathError) {
      path = try JSONPath(query)
    } catch {
      throw UsageError("invalid JSONPath: \(error)")
    }
    let document: [UInt8]
    do throws(FileError) {
      document = try FileDescriptor.readFile("/dev/stdin", limit: 1 << 31)
    } catch {
      throw UsageError("cannot read the document: \(error.reason)")
    }
    do throws(JSONError) {
      let values = path.values(in: try JSON.parse(document))
      let array = JSONFragment { $0.array { for value in values { $0.value(value) } } }
      Console.print(json: array.text)
    } catch {
      let location = error.lineAndColumn(in: document)
      throw UsageError(
        "invalid JSON document: \(error.reason) at line \(location.line), column \(location.column)"
      )
    }
    return 0
  }
}
