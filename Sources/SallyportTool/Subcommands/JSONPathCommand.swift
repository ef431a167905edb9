import Basics
import Glibc
import JSON
import JSONPath

/// `sallyport jsonpath`
enum JSONPathCommand {
  static var description: Subcommand {
    Subcommand(
      name: "jsonpath", usage: "QUERY < DOCUMENT",
      about: "the values that an RFC 9535 JSONPath finds, as a JSON array",
      details: """
        Reads one JSON document on stdin. Exit status 2: the query or the document is wrong.
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
      throw UsageError("jsonpath takes one query", remedy: "sallyport jsonpath '$.items[*].id'")
    }
    let path: JSONPath
    do throws(JSONPathError) {
      path = try JSONPath(query)
    } catch {
      throw UsageError("the query is not a JSONPath: \(error)")
    }
    let document: [UInt8]
    do throws(FileError) {
      document = try FileDescriptor.readFile("/dev/stdin", limit: 1 << 31)
    } catch {
      throw UsageError("the document cannot be read: \(error.reason)")
    }
    do throws(JSONError) {
      let values = path.values(in: try JSON.parse(document))
      Console.print(JSONFragment { $0.array { for value in values { $0.value(value) } } }.text)
    } catch {
      let place = error.lineAndColumn(in: document)
      throw UsageError(
        "the document is not JSON: \(error.reason) at line \(place.line), column \(place.column)")
    }
    return 0
  }
}
