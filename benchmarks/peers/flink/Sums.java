import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;

/**
 * Runs the statements of FOLDER/sums.sql in a Flink of this process, set up by FOLDER/config.yaml, and
 * ends with the job of the last one.
 */
final class Sums {
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        TableEnvironment tables = TableEnvironment.create(
                EnvironmentSettings.newInstance()
                        .inStreamingMode()
                        .withConfiguration(GlobalConfiguration.loadConfiguration(folder.toString()))
                        .build());
        TableResult last = null;
        for (String statement : Files.readString(folder.resolve("sums.sql")).split(";\\s*")) {
            last = tables.executeSql(statement);
        }
        last.await();
    }
}
