// Calls the API with the JDK alone: java docs/clients/ReadmissionClient.java (JDK 17 or later).

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class ReadmissionClient {
    static final String URL = System.getenv().getOrDefault("API_URL", "http://localhost:8000");
    static final String KEY = System.getenv("API_KEY");
    static final Path FOLDER = Path.of("docs/clients");
    // The defaults: HTTP/2 where the server has it, asked for with an upgrade on a connection without TLS.
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    public static void main(String[] arguments) throws IOException, InterruptedException {
        String shortRecord = """
            {"race": "Caucasian", "gender": "Female", "age": "[60-70)"}""";
        String fullRecord = Files.readString(FOLDER.resolve("record.json"));

        System.out.println("three fields: " + value(predict(shortRecord), "predictions"));
        String answer = predict(fullRecord).body();
        System.out.println("all fields: " + value(answer, "predictions"));

        HttpResponse<String> problem = predict("{\"race\": \"Unheard of\"}");
        System.out.println("unknown value: " + problem.statusCode() + " " + value(problem.body(), "message"));

        String file = Files.readString(FOLDER.resolve("patients.csv"));
        String[] lines = post("/predict/csv", "text/csv", file).body().split("\r\n");
        int column = List.of(lines[0].split(",")).indexOf("readmission_risk");
        System.out.print("file:");
        for (int line = 1; line < lines.length; line++) {
            System.out.print(" " + lines[line].split(",")[column]);
        }
        System.out.println();

        String model = send(request("/model").GET()).body();
        System.out.println("model: " + value(model, "name") + " " + value(model, "version"));

        String outcome = """
            {"outcomes": [{"request_id": "%s", "readmitted_within_30_days": false, "known_on": "%s"}]}"""
            .formatted(value(answer, "request_id"), LocalDate.now(ZoneOffset.UTC));
        System.out.println("outcome: " + value(post("/feedback", "application/json", outcome).body(), "status"));
    }

    static HttpResponse<String> predict(String record) throws IOException, InterruptedException {
        return post("/predict", "application/json", "{\"records\": [" + record + "]}");
    }

    static HttpResponse<String> post(String path, String type, String body) throws IOException, InterruptedException {
        return send(request(path).header("Content-Type", type).POST(BodyPublishers.ofString(body)));
    }

    static HttpRequest.Builder request(String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(URL + path));
        return KEY == null ? request : request.header("X-API-Key", KEY);
    }

    static HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return CLIENT.send(request.build(), BodyHandlers.ofString());
    }

    /** The first value of a member. The JDK has no JSON parser; a program has one, such as Jackson. */
    static String value(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\":\\[?\"?([^\",\\]}]*)").matcher(json);
        if (!found.find()) throw new IllegalStateException(json);
        return found.group(1);
    }

    static String value(HttpResponse<String> response, String name) {
        if (response.statusCode() != 200) throw new IllegalStateException(response + " " + response.body());
        return value(response.body(), name);
    }
}
